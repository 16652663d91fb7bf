package sim_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// Two programs run on two hosts. One hour of simulated time passes at once. For ten minutes of this
// hour the link is cut.
func Example() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	a.Boot("time server", func() {
		r, err := reactor.New(reactor.WithKernel(a))
		if err != nil {
			panic(err)
		}
		r.ListenPacket("udp4", ":123", timeServer{})
		r.Run(context.Background())
	})
	asked, heard := 0, 0
	b.Boot("client", func() {
		r, err := reactor.New(reactor.WithKernel(b))
		if err != nil {
			panic(err)
		}
		c, err := r.ListenPacket("udp4", ":0", counter{&heard})
		if err != nil {
			panic(err)
		}
		var ask func()
		ask = func() {
			asked++
			c.SendTo([]byte("?"), reactor.AddrFrom(addr("10.0.0.1:123")))
			r.After(time.Second, ask)
		}
		r.After(time.Second/2, ask)
		r.Run(context.Background())
	})
	w.At(20*time.Minute, func() { w.Cut(a, b) })
	w.At(30*time.Minute, w.Heal)
	if err := w.Run(time.Hour); err != nil {
		fmt.Println(err)
	}
	fmt.Println(asked, "asked,", heard, "answered")
	// Output: 3600 asked, 3000 answered
}

type timeServer struct{}

func (timeServer) Packet(c *reactor.PacketConn, _ []byte, from reactor.Addr) {
	c.SendTo([]byte("now"), from)
}
func (timeServer) Closed(*reactor.PacketConn, error) {}

type counter struct{ n *int }

func (c counter) Packet(*reactor.PacketConn, []byte, reactor.Addr) { *c.n++ }
func (counter) Closed(*reactor.PacketConn, error)                  {}

// A drawing shows two calls of a client and their results.
func ExampleWorld_WriteDiagram() {
	w := sim.New(1, sim.Options{Trace: -1, Latency: time.Millisecond, Jitter: 1})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	l, _ := b.Socket(2, 1, 0)
	b.Bind(l, reactor.AddrFrom(addr("10.0.0.2:80")))
	b.Listen(l, 1)
	c, _ := a.Socket(2, 1, 0)
	a.Connect(c, reactor.AddrFrom(addr("10.0.0.2:80")))
	w.Run(10 * time.Millisecond)
	a.Send(c, []byte("hello"), 0)
	w.Run(10 * time.Millisecond)
	w.WriteDiagram(os.Stdout)
	// Output:
	// 10.0.0.1                        10.0.0.2
	// 0.000000000s  |                               socket(SOCK_STREAM) = 1000
	// 0.000000000s  |                               bind(1000, 10.0.0.2:80) = 0
	// 0.000000000s  |                               listen(1000, 1) = 0
	// 0.000000000s  socket(SOCK_STREAM) = 1000
	// 0.000000000s  connect(1000) EINPROGRESS 10.0.0.1:40026 → 10.0.0.2:80
	// 0.001000001s  |----------- SYN ------------>|
	// 0.002000001s  |<--------- SYN-ACK ----------|
	// 0.010000000s  send(1000) = 5 "hello"
	// 0.011000000s  |--------- 5 bytes ---------->|
}

// A script for the network: the third packet of a host is lost, and the next two packets are late.
// At 2 s the host's connections are reset, and from 3 s on latencies are long.
func ExampleHost_InjectPacket() {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	s, _ := b.Socket(2, 2, 0)
	b.Bind(s, reactor.AddrFrom(addr("10.0.0.2:53")))
	c, _ := a.Socket(2, 2, 0)
	a.InjectPacket(sim.PacketInjection{Nth: 3, Kind: sim.Lost})
	a.InjectPacket(sim.PacketInjection{Nth: 4, Count: 2, Kind: sim.Late, Delay: time.Second})
	w.At(2*time.Second, func() { a.Reset(0) })
	w.At(3*time.Second, func() { w.SetLatency(80*time.Millisecond, 10*time.Millisecond) })
	for i := range 5 {
		a.SendTo(c, []byte{byte(i)}, 0, reactor.AddrFrom(addr("10.0.0.2:53")))
	}
	w.Run(time.Minute)
	for _, f := range w.Faults() {
		fmt.Println(f)
	}
	// Output:
	// packet #3 10.0.0.1 → 10.0.0.2: lost
	// packet #4 10.0.0.1 → 10.0.0.2: late by 1s
	// packet #5 10.0.0.1 → 10.0.0.2: late by 1s
}

// A program fails if an answer is lost. It runs with all kinds of faults by chance, and Shrink
// finds the faults that the failure needs.
func ExampleShrink() {
	shrunk := sim.Shrink(4, sim.Options{}, func(w *sim.World) error {
		return asks(w, func(i int, _ sim.Errno, answered bool) error {
			if !answered && i > 50 {
				return fmt.Errorf("question %d has no answer", i)
			}
			return nil
		})
	})
	fmt.Println(shrunk.Err)
	fmt.Println(len(shrunk.Faults), "of", shrunk.Of, "faults:", shrunk.Faults[0])
	// Output:
	// seed=4 step=1074 at=113.984894ms: question 53 has no answer
	// 1 of 91 faults: packet #54 10.0.0.2 → 10.0.0.1: lost
}
