//go:build unix

package reactor

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// sabotaged returns a Group whose loops can be made to fail.
func sabotaged(t *testing.T, loops int, opts ...Option) (g *Group, ran chan error, fail func(loop int)) {
	g, err := NewGroup(loops, opts...)
	if err != nil {
		t.Fatal(err)
	}
	pollers := make([]*sabotage, loops)
	for i, r := range g.loops {
		pollers[i] = &sabotage{Poller: r.poller}
		r.poller = pollers[i]
	}
	ran = make(chan error, 1)
	fail = func(loop int) {
		pollers[loop].on.Store(true)
		for g.loops[loop].mustPost(func() {}) {
			time.Sleep(time.Millisecond)
		}
	}
	return g, ran, fail
}

// The loop that accepts for all fails, and then the loop that has taken over fails. Each time
// another loop serves the address, and Close of the GroupListener closes the socket there. When the
// last loop fails, Run returns, and nobody listens at the address.
func TestFailedAcceptorHandsOver(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	for name, opts := range map[string][]ListenOption{
		"RoundRobin": {WithBalance(RoundRobin)},
		"LeastConns": {WithBalance(LeastConns)},
		"MaxConns":   {WithMaxConns(3)},
		"unix":       nil,
	} {
		for _, end := range []string{"Close", "last loop"} {
			t.Run(name+", "+end, func(t *testing.T) {
				k := hostWithFaults()
				g, ran, fail := sabotaged(t, 3, WithKernel(k))
				network, addr := "tcp", "127.0.0.1:0"
				if name == "unix" {
					network, addr = "unix", longtest.SocketPath(t)
				}
				l, err := g.Listen(network, addr, acceptEcho, opts...)
				if err != nil {
					t.Fatal(err)
				}
				go func() { ran <- g.Run(context.Background()) }()
				serve := func() { // as many connections as WithMaxConns allows; then all end
					t.Helper()
					var open []net.Conn
					for range 3 {
						c := connect(t, l.Addr())
						roundTrip(t, c, "hello")
						open = append(open, c)
					}
					for _, c := range open {
						c.Close()
					}
					conns(t, g, 0)
				}
				serve()
				for loop := range 2 {
					fail(loop)
					serve()
				}
				if end == "Close" {
					l.Close()
				} else {
					fail(2)
				}
				for {
					c, err := net.Dial(network, l.Addr().String())
					if err != nil {
						break
					}
					c.Close()
				}
				if err := g.Shutdown(context.Background()); err == nil {
					t.Error("Shutdown says nothing of the loops that failed")
				}
				if err := <-ran; err == nil {
					t.Error("Run says nothing of the loops that failed")
				}
				if n := k.opened.Load(); n != 0 {
					t.Errorf("%d descriptors are left", n)
				}
			})
		}
	}
}

// One loop receives datagrams for all, and fails. Its socket moves to another loop, which gets a
// handler of its own. The old handler gets Closed.
func TestFailedLoopHandsOverItsDatagramSocket(t *testing.T) {
	g, ran, fail := sabotaged(t, 2)
	path := longtest.SocketPath(t)
	got := make(chan int, 1)
	closed := make(chan error, 2)
	l, err := g.ListenPacket("unixgram", path, func(c *PacketConn) PacketHandler {
		return &packets{packet: func(c *PacketConn, _ []byte, _ Addr) { got <- c.Reactor().Loop() },
			closed: func(_ *PacketConn, err error) { closed <- err }}
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { ran <- g.Run(context.Background()) }()
	c := connect(t, l.Addr())
	for loop := range 2 {
		fmt.Fprint(c, "x")
		if at := <-got; at != loop {
			t.Errorf("received on loop %d, want %d", at, loop)
		}
		if loop == 0 {
			fail(0)
			if err := <-closed; err == nil {
				t.Error("Closed(nil) of a loop that has failed")
			}
		}
	}
	l.Close()
	if err := <-closed; err != nil {
		t.Errorf("Closed(%v) after Close", err)
	}
	g.Shutdown(context.Background())
	<-ran
}

// GroupListener.Close and Shutdown run at the same time, in a Group whose Run is not called.
// Shutdown runs the loops, so the loops own the sockets. The race detector checks that Close does
// not use them.
func TestGroupListenerCloseBesideShutdown(t *testing.T) {
	for range 20 {
		k := hostWithFaults()
		g, err := NewGroup(2, WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		l, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho, WithBalance(RoundRobin))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() { g.Shutdown(context.Background()) })
		l.Close()
		all.Wait()
		if n := k.opened.Load(); n != 0 {
			t.Fatalf("%d descriptors are left", n)
		}
	}
}

// The methods of a Group may be called in the functions that a Group calls, before Run and during
// Run.
func TestGroupMethodsInsideItsFunctions(t *testing.T) {
	for _, run := range []bool{false, true} {
		g, err := NewGroup(2)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		if run {
			go func() { ran <- g.Run(context.Background()) }()
		} else {
			ran <- nil
		}
		calls := func() {
			l, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho)
			if err != nil {
				t.Error(err)
				return
			}
			l.Close()
			g.Post(func(*Reactor) {})
			g.PostAll(func(*Reactor) {})
			g.Stats()
		}
		opened := make(chan struct{}, 2)
		var once sync.Once
		_, err = g.ListenPacket("udp4", "127.0.0.1:0", func(*PacketConn) PacketHandler {
			calls()
			opened <- struct{}{}
			return &packets{}
		}, WithControl(func(int) error { once.Do(calls); return nil }))
		if err != nil {
			t.Fatal(err)
		}
		sockets := 1
		if kernel.SO_BALANCE != 0 {
			sockets = len(g.loops)
		}
		for range sockets {
			<-opened
		}
		if err := g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-ran
	}
}

// The function that returns a PacketConn's handler panics, exits or returns nil. Then no PacketConn
// and no descriptor is left. Before Run, the caller of ListenPacket gets the panic.
func TestNoHandlerLeavesNoPacketConn(t *testing.T) {
	for name, f := range unwindings {
		for _, run := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", running: ", run), func(t *testing.T) {
				k := hostWithFaults()
				g, err := NewGroup(2, WithKernel(k), WithPanicHandler(func(*Conn, any, []byte) {}))
				if err != nil {
					t.Fatal(err)
				}
				ran := make(chan error, 1)
				if run {
					go func() { ran <- g.Run(context.Background()) }()
					for g.loops[0].owner.Load() == ownerless {
						time.Sleep(time.Millisecond)
					}
				}
				before := k.opened.Load()
				called := make(chan struct{})
				go func() {
					defer close(called)
					defer func() { recover() }()
					_, err := g.ListenPacket("udp4", "127.0.0.1:0", func(*PacketConn) PacketHandler { f(); return nil })
					if !run && err == nil {
						t.Error("ListenPacket has no error")
					}
				}()
				<-called
				for g.Stats().Packets > 0 || k.opened.Load() != before {
					time.Sleep(time.Millisecond)
				}
				if err := g.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				if run {
					<-ran
				}
			})
		}
	}
}
