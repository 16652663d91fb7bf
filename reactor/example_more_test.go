//go:build unix

package reactor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
)

// A Watch reports when a descriptor is ready that is no socket of the reactor.
func ExampleReactor_Watch() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	var w *reactor.Watch
	w, err = r.Watch(int(in.Fd()), poller.In, func(poller.Readiness) {
		p := make([]byte, 100)
		n, _ := in.Read(p)
		fmt.Printf("%s\n", p[:n])
		w.Stop() // before the descriptor is closed
		r.Close()
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(out, "hello")
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

// A Task starts other Tasks and waits for their results. Await runs a function on a goroutine,
// where it may block.
func ExampleTask() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	r.Go(func(t *reactor.Task) {
		defer r.Close()
		square := func(n int) *reactor.Task {
			return t.Go(func(t *reactor.Task) {
				_ = t.Await(func() { time.Sleep(time.Millisecond) }) // meanwhile the loop continues
				t.SetResult(n * n)
			})
		}
		three, four := square(3), square(4)
		a, _ := t.Join(three)
		b, _ := t.Join(four)
		fmt.Println(a.(int) + b.(int))
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: 25
}

// explosive panics when the first bytes arrive.
type explosive struct{ closed chan error }

func (explosive) Data(*reactor.Conn, []byte)             { panic("boom") }
func (h explosive) Closed(_ *reactor.Conn, reason error) { h.closed <- reason }

// The panic closes the connection of the handler, and affects nothing else.
func ExamplePanicError() {
	r, err := reactor.New(reactor.WithPanicHandler(func(c *reactor.Conn, v any, stack []byte) {}))
	if err != nil {
		log.Fatal(err)
	}
	h := explosive{make(chan error, 1)}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return h })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "x")
	var p *reactor.PanicError
	if errors.As(<-h.closed, &p) {
		fmt.Println("panic:", p.Value)
	}
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output: panic: boom
}

// Any goroutine may call Stats, and the loop does not wait for it.
func ExampleStats() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	ask(l.Addr(), "hello\n")
	_ = r.Shutdown(context.Background())
	s := r.Stats()
	fmt.Println(s.Accepted, "connection,", s.BytesIn, "bytes in,", s.BytesOut, "bytes out")
	// Output: 1 connection, 6 bytes in, 6 bytes out
}

// A broadcast sends to every connection of the loop.
func ExampleReactor_Conns() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "here\n")
	in := bufio.NewReader(c)
	fmt.Println(in.ReadString('\n'))

	_ = r.Post(func() {
		for c := range r.Conns() {
			_ = c.Send([]byte("to all\n")) // an error means that this Conn is closing
		}
	})
	fmt.Println(in.ReadString('\n'))
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output:
	// here
	//  <nil>
	// to all
	//  <nil>
}

// A monitor compares two Loads. The difference says how busy the loop was between them, and how
// late its timers were.
func ExampleLoad() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	before := r.Load()
	r.After(time.Millisecond, func() {
		time.Sleep(20 * time.Millisecond) // a callback should not do this
		r.Close()
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	load := r.Load()
	load = load.Since(&before)
	fmt.Println("busy 20 ms or more:", load.Busy >= 20*time.Millisecond)
	fmt.Println("utilization is above 0:", load.Utilization() > 0)
	// Output:
	// busy 20 ms or more: true
	// utilization is above 0: true
}

// One turn of many is long. Only the last quantile shows that turn.
func ExampleHistogram() {
	var turns reactor.Histogram
	turns.Counts[3] = 999 // more than 4 µs, at most 8 µs
	turns.Counts[15] = 1  // more than 16 ms, at most 33 ms
	fmt.Println(turns.Count(), turns.Quantile(0.5), turns.Quantile(0.999), turns.Quantile(1))
	// Output: 1000 8µs 8µs 32.768ms
}

// A datagram socket reports the ECN bits of a datagram, and the address to which it was sent. It
// can also set both. The bits here are those of ECT(0), if the system can set them.
func ExamplePacketInfo() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan string)
	in, err := r.ListenPacket("udp4", "0.0.0.0:0", told(func(c *reactor.PacketConn, p []byte) {
		var info reactor.PacketInfo = c.Info()
		done <- fmt.Sprintf("%s to %v, ECN %d", p, info.Local.AddrPort().Addr(), info.ECN)
	}), reactor.WithECN())
	if err != nil {
		log.Fatal(err)
	}
	out, err := r.ListenPacket("udp4", "127.0.0.1:0", told(nil))
	if err != nil {
		log.Fatal(err)
	}
	port := in.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	to := reactor.AddrFrom(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
	ecn := uint8(2)
	if !r.Kernel().Traits().Segments { // only Linux can set them
		ecn = 0
	}
	_ = r.Post(func() { _ = out.SendWith([]byte("hello"), to, reactor.PacketInfo{ECN: ecn}) })
	go r.Run(context.Background())
	text := <-done
	fmt.Println(text == fmt.Sprintf("hello to 127.0.0.1, ECN %d", ecn))
	_ = r.Shutdown(context.Background())
	// Output: true
}

// `told` is a PacketHandler whose Packet calls the function.
type told func(c *reactor.PacketConn, p []byte)

func (f told) Packet(c *reactor.PacketConn, p []byte, _ reactor.Addr) { f(c, p) }
func (told) Closed(*reactor.PacketConn, error)                        {}

// Load returns the longest turn, with the name of the callback that has taken so long.
func ExampleSlowTurn() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	r.Load() // the loop measures from here on
	r.After(0, slowCallback)
	if err := r.Turn(r.Now()); err != nil {
		log.Fatal(err)
	}
	slow := r.Load().Longest
	fmt.Println(slow.Callback, slow.Took >= 20*time.Millisecond, slow.Sure)
	r.Close()
	for r.Turn(r.Now()) == nil {
	}
	// Output: github.com/ureactor/ureactor/reactor_test.slowCallback true true
}

func slowCallback() { time.Sleep(20 * time.Millisecond) }

// A Trace counts the bytes that are received and sent. Functions that are not set cost nearly
// nothing.
func ExampleTrace() {
	var in, out int
	r, err := reactor.New(reactor.WithTrace(reactor.Trace{
		Read: func(_ *reactor.Conn, n int) { in += n },
		Send: func(_ *reactor.Conn, n int, _ error) { out += n },
	}))
	if err != nil {
		log.Fatal(err)
	}
	r.Close()
	fmt.Println(r.Run(context.Background()), in, out)
	// Output: <nil> 0 0
}
