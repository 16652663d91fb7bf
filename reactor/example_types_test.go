//go:build unix

package reactor_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A program gets its Kernel as an argument. On a simulated kernel an hour passes at once.
func ExampleKernel() {
	program := func(k reactor.Kernel) {
		r, err := reactor.New(reactor.WithKernel(k))
		if err != nil {
			log.Fatal(err)
		}
		start := r.Time()
		r.After(time.Hour, func() {
			fmt.Println(r.Time().Sub(start))
			r.Close()
		})
		_ = r.Run(context.Background())
	}
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host := w.Host("10.0.0.1")
	host.Boot("main", func() { program(host) })
	if err := w.RunUntilDone(2 * time.Hour); err != nil {
		log.Fatal(err)
	}
	// Output: 1h0m0s
}

// Options of a reactor, of a Listener and of a Dial have different types. If an option does not fit
// the call, the program does not compile.
func ExampleOption() {
	var (
		loop   reactor.Option       = reactor.WithPostLimit(1000)
		both   reactor.SocketOption = reactor.WithLimits(1<<10, 4<<10, 1<<20)
		server reactor.ListenOption = reactor.WithMaxConns(100)
		client reactor.DialOption   = reactor.WithDialTimeout(time.Second)
	)
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host, other := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	host.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(host), loop)
		if err != nil {
			log.Fatal(err)
		}
		accept := func(*reactor.Conn) reactor.Handler { return echo{} }
		if _, err := r.Listen("tcp", ":80", accept, both, server); err != nil {
			log.Fatal(err)
		}
		start := r.Time()
		ended := func(err error) {
			fmt.Println(errors.Is(err, syscall.ETIMEDOUT), "after", r.Time().Sub(start))
			r.Close()
		}
		if _, err := r.Dial("tcp", "10.0.0.2:80", witness{ended}, both, client); err != nil {
			log.Fatal(err)
		}
		_ = r.Run(context.Background())
	})
	w.Cut(host, other) // no packet arrives any more
	if err := w.RunUntilDone(time.Hour); err != nil {
		log.Fatal(err)
	}
	// Output: true after 1s
}

// A witness passes the error of Closed to a function.
type witness struct{ closed func(error) }

func (witness) Data(*reactor.Conn, []byte)          {}
func (h witness) Closed(_ *reactor.Conn, why error) { h.closed(why) }

// A guest prints each callback. The lines below make the compiler find a misspelt method.
type guest struct{}

var (
	_ reactor.OpenHandler     = guest{}
	_ reactor.EOFHandler      = guest{}
	_ reactor.DrainHandler    = guest{}
	_ reactor.TimeoutHandler  = guest{}
	_ reactor.ShutdownHandler = guest{}
)

func (guest) Opened(c *reactor.Conn) {
	fmt.Println("opened")
	_ = c.SetIdleTimeout(time.Minute)
	_ = c.Send(make([]byte, 1<<20)) // more than the high-water mark
}
func (guest) Drained(*reactor.Conn)          { fmt.Println("drained") }
func (guest) Data(_ *reactor.Conn, p []byte) { fmt.Printf("data %q\n", p) }
func (guest) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) {
	fmt.Println("timeout:", kind)
	_ = c.CloseWrite()
}
func (guest) Shutdown(*reactor.Conn)            { fmt.Println("shutdown") }
func (guest) EOF(c *reactor.Conn)               { fmt.Println("EOF"); _ = c.Close() }
func (guest) Closed(_ *reactor.Conn, err error) { fmt.Println("closed:", err) }

// One connection calls the optional methods of its Handler in this order.
func ExampleOpenHandler() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	a.Boot("server", func() {
		r, err := reactor.New(reactor.WithKernel(a))
		if err != nil {
			log.Fatal(err)
		}
		if _, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return guest{} }); err != nil {
			log.Fatal(err)
		}
		_ = r.Run(context.Background())
	})
	b.Boot("client", func() {
		r, err := reactor.New(reactor.WithKernel(b))
		if err != nil {
			log.Fatal(err)
		}
		var c *reactor.Conn
		r.After(time.Second, func() {
			if c, err = r.Dial("tcp", "10.0.0.1:80", witness{func(error) {}}); err != nil {
				log.Fatal(err)
			}
		})
		r.After(2*time.Second, func() { _ = c.Send([]byte("hello")) })
		_ = r.Run(context.Background())
	})
	if err := w.Run(time.Hour); err != nil {
		log.Fatal(err)
	}
	// Output:
	// opened
	// drained
	// data "hello"
	// timeout: idle
	// EOF
	// closed: <nil>
}

// A closed Listener accepts nothing more. Its connections stay open.
func ExampleListener() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	var l *reactor.Listener
	l, err = r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
		_ = l.Close() // one connection is enough
		return echo{}
	})
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	addr := l.Addr()
	fmt.Println(ask(addr, "hello"))
	_, err = net.Dial("tcp", addr.String())
	fmt.Println("a second connection is refused:", errors.Is(err, syscall.ECONNREFUSED))
	_ = r.Shutdown(context.Background())
	// Output:
	// hello
	// a second connection is refused: true
}

// The loops of a Group share an address. A Balance says how the connections are divided.
func ExampleGroupListener() {
	g, err := reactor.NewGroup(2)
	if err != nil {
		log.Fatal(err)
	}
	var turns reactor.Balance = reactor.RoundRobin
	var l *reactor.GroupListener
	l, err = g.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} }, reactor.WithBalance(turns))
	if err != nil {
		log.Fatal(err)
	}
	go g.Run(context.Background())
	for range 4 {
		ask(l.Addr(), "hello")
	}
	_ = l.Close()
	_ = g.Shutdown(context.Background())
	for i, r := range g.Loops() {
		fmt.Println("loop", i, "served", r.Stats().BytesIn, "bytes")
	}
	// Output:
	// loop 0 served 10 bytes
	// loop 1 served 10 bytes
}

// A process that was started in the usual way inherits no sockets. Inherit then returns an
// Inherited without sockets, and WithInherited has no effect.
func ExampleInherited() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	var in *reactor.Inherited
	if in, err = reactor.Inherit(); err != nil {
		log.Fatal(err)
	}
	accept := func(*reactor.Conn) reactor.Handler { return echo{} }
	_, err = r.Listen("tcp", "127.0.0.1:0", accept, reactor.WithInherited(in))
	fmt.Println(err, len(in.Unused()))
	r.Close()
	_ = r.Run(context.Background())
	// Output: <nil> 0
}

// A sender prints the datagrams that SendTo has accepted and the kernel has then refused.
type sender struct{}

var (
	_ reactor.PacketHandler = sender{}
	_ reactor.LossHandler   = sender{}
)

func (sender) Packet(*reactor.PacketConn, []byte, reactor.Addr) {}
func (sender) Closed(*reactor.PacketConn, error)                {}
func (sender) Lost(_ *reactor.PacketConn, peer reactor.Addr, err error) {
	fmt.Println("lost:", peer, err)
}

func ExampleLossHandler() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host := w.Host("10.0.0.1")
	host.Inject(sim.Injection{Call: sim.SendBatch, Nth: 1, Errno: syscall.EHOSTUNREACH})
	to := reactor.AddrFrom(netip.MustParseAddrPort("10.0.0.2:53"))
	host.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(host))
		if err != nil {
			log.Fatal(err)
		}
		c, err := r.ListenPacket("udp4", ":0", sender{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("sent:", c.SendTo([]byte("x"), to))
		_ = r.Run(context.Background())
	})
	if err := w.Run(time.Minute); err != nil {
		log.Fatal(err)
	}
	// Output:
	// sent: <nil>
	// lost: 10.0.0.2:53 sendmmsg: no route to host
}
