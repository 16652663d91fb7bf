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

// Every simulated host uses these numbers.
const (
	afUnix, afInet        = 1, 2
	sockStream, sockDgram = 1, 2
	emfile                = kernel.Errno(24)
)

// A frugal kernel lets its programs open a fixed number of sockets. All other calls are those of
// the Kernel that it embeds.
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

// A program's own Kernel embeds another one. The Kernel of this example limits the number of
// sockets of a reactor.
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

// RecvBatch receives several datagrams in one call. Each Packet has its own buffer, and Cut says
// whether the datagram was longer than the buffer.
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
		_ = w.Run(time.Second) // until the datagrams have arrived
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

// A comparison of FileIDs shows whether a path still leads to the same file as before.
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

// Traits describe differences between systems. One of them is whether an accepted connection
// inherits the options of its listener.
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
