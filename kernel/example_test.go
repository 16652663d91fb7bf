package kernel_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// The numbers of these constants are the same on every simulated host.
const (
	afUnix, afInet        = 1, 2
	sockStream, sockDgram = 1, 2
	emfile                = kernel.Errno(24)
)

// A frugal kernel lets its programs have a fixed number of sockets. The calls that it does not
// change are those of the Kernel that it embeds.
type frugal struct {
	kernel.Kernel
	left int
}

func (k *frugal) Socket(family, typ, proto int) (fd int, e kernel.Errno) {
	if k.left == 0 {
		return -1, emfile
	}
	k.left--
	return k.Kernel.Socket(family, typ, proto)
}

// A Kernel of your own embeds another one. Here it limits the sockets of one reactor.
func ExampleKernel() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host := w.Host("10.0.0.1")
	host.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(&frugal{host, 1}))
		if err != nil {
			panic(err)
		}
		accept := func(*reactor.Conn) reactor.Handler { return nil }
		_, err = r.Listen("tcp", ":80", accept)
		fmt.Println("first:", err)
		_, err = r.Listen("tcp", ":81", accept)
		fmt.Println("second fails:", err != nil)
		r.Close()
		_ = r.Run(context.Background())
	})
	if err := w.Run(time.Second); err != nil {
		fmt.Println(err)
	}
	// Output:
	// first: <nil>
	// second fails: true
}

// One call receives several datagrams. Each Packet has its own room, and says whether the datagram
// was longer.
func ExampleBatch() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	var a, b kernel.Kernel = w.Host("10.0.0.1"), w.Host("10.0.0.2")
	var to kernel.Addr = reactor.AddrFrom(netip.MustParseAddrPort("10.0.0.2:53"))
	in, _ := b.Socket(afInet, sockDgram, 0)
	b.Bind(in, to)
	out, _ := a.Socket(afInet, sockDgram, 0)
	for _, text := range []string{"one", "three"} {
		a.SendTo(out, []byte(text), 0, to)
		_ = w.Run(time.Second) // until it has arrived
	}

	batch := kernel.Batch{Packets: []kernel.Packet{{Buf: make([]byte, 4)}, {Buf: make([]byte, 4)}}}
	n, e := b.RecvBatch(in, &batch)
	fmt.Println(n, e == 0)
	for _, p := range batch.Packets[:n] {
		fmt.Printf("%s from %v, cut: %v\n", p.Buf[:p.N], p.Addr.AddrPort().Addr(), p.Cut)
	}
	// Output:
	// 2 true
	// one from 10.0.0.1, cut: false
	// thre from 10.0.0.1, cut: true
}

// A FileID shows whether a path still leads to the file that was there before.
func ExampleFileID() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	k := w.Host("10.0.0.1")
	listen := func() (id kernel.FileID) {
		fd, _ := k.Socket(afUnix, sockStream, 0)
		k.Bind(fd, reactor.UnixAddr("/run/socket"))
		id, _ = k.FileID("/run/socket")
		return id
	}
	first := listen()
	k.Unlink("/run/socket")
	second := listen()
	fmt.Println(first.Socket, first == second)
	// Output: true false
}

// Traits say how systems differ: here, whether a connection has all options of its listener.
func ExampleTraits() {
	for _, system := range []sim.Kernel{sim.Linux, sim.FreeBSD} {
		w := sim.New(1, sim.Options{Kernel: system})
		var t kernel.Traits = w.Host("10.0.0.1").Traits()
		fmt.Println(system, "inherits options:", t.InheritsOptions)
		w.Close()
	}
	// Output:
	// Linux inherits options: true
	// FreeBSD inherits options: false
}
