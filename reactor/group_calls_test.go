//go:build unix

package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Each Post passes its function to the next loop in turn. PostAll passes its function to every loop
// once. If the queue of one loop is full, PostAll passes it to no loop. Go starts tasks on all
// loops. When the loops have ended, all three return an error.
func TestGroupPostsAndTasks(t *testing.T) {
	g := group(t, 3, WithPostLimit(2))
	var calls [3]atomic.Int64
	var all sync.WaitGroup
	mustPost := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all.Wait()
	}
	for range 30 {
		all.Add(1)
		mustPost(g.Post(func(r *Reactor) { calls[r.Loop()].Add(1); all.Done() }))
		all.Add(3)
		mustPost(g.PostAll(func(r *Reactor) { calls[r.Loop()].Add(1); all.Done() }))
		all.Add(1)
		mustPost(g.Go(func(task *Task) { task.Sleep(1); calls[task.Reactor().Loop()].Add(1); all.Done() }))
	}
	for i := range calls {
		if n := calls[i].Load(); n != 10+30+10 {
			t.Errorf("loop %d: %d calls, want 50", i, n)
		}
	}
	g.loops[1].Post(func() {}) // this function may run or not
	block := make(chan struct{})
	entered := make(chan struct{})
	g.loops[1].Post(func() { close(entered); <-block })
	<-entered
	g.loops[1].Post(func() {})
	g.loops[1].Post(func() {})
	if err := g.PostAll(func(*Reactor) { t.Error("called") }); err != ErrFull {
		t.Errorf("PostAll with a full loop: %v", err)
	}
	for range 3 { // Post skips the full loop
		all.Add(1)
		mustPost(g.Post(func(r *Reactor) {
			if r.Loop() == 1 {
				t.Error("on the full loop")
			}
			all.Done()
		}))
	}
	close(block)
	g.Shutdown(context.Background())
	for _, err := range []error{g.Post(func(*Reactor) {}), g.PostAll(func(*Reactor) {}), g.Go(func(*Task) {})} {
		if err != ErrClosed {
			t.Errorf("after the end: %v", err)
		}
	}
	if _, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho); !errors.Is(err, ErrClosed) {
		t.Errorf("Listen after the end: %v", err)
	}
}

// All loops echo datagrams. All datagrams of one sender are echoed by the same loop.
func TestGroupPackets(t *testing.T) {
	for _, network := range []string{"udp", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			g := group(t, 3)
			addr := anyAddr(t, network)
			l, err := g.ListenPacket(network, addr, func(c *PacketConn) PacketHandler {
				home := byte('0' + c.Reactor().Loop())
				return &packets{packet: func(c *PacketConn, p []byte, from Addr) { c.SendTo(append(p, home), from) }}
			})
			if err != nil {
				t.Fatal(err)
			}
			seen := map[byte]int{}
			for range 60 {
				c := packetClient(t, network, l.Addr())
				last := byte(0)
				for range 3 {
					io.WriteString(c, "ping")
					p := make([]byte, 10)
					if n, err := c.Read(p); err != nil || string(p[:n-1]) != "ping" || last != 0 && p[n-1] != last {
						t.Fatalf("%q %v, before by %c", p, err, last)
					}
					last = p[4]
				}
				seen[last]++
			}
			want := 1
			if kernel.SO_BALANCE != 0 && network == "udp" {
				want = 3
			}
			if len(seen) != want {
				t.Errorf("loops and their senders: %v, want %d loops", seen, want)
			}
			l.Close()
			for g.Stats().Packets > 0 {
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func packetClient(t *testing.T, network string, to net.Addr) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	if network == "unixgram" {
		c, err = net.DialUnix(network, &net.UnixAddr{Name: anyAddr(t, network), Net: network}, to.(*net.UnixAddr))
	} else {
		c, err = net.Dial(network, to.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// An impossible argument is an error whose text has the range. Nothing stays open.
func TestGroupBadInput(t *testing.T) {
	for _, n := range []int{-1, MaxLoops + 1} {
		if _, err := NewGroup(n); err == nil || !strings.Contains(err.Error(), "must be 0") {
			t.Errorf("NewGroup(%d): %v", n, err)
		}
	}
	if _, err := NewGroup(2, WithPostLimit(0)); err == nil {
		t.Error("NewGroup with a bad option")
	}
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	k := hostWithFaults()
	for _, running := range []bool{false, true} {
		g, err := NewGroup(2, WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		if running {
			go func() { ran <- g.Run(context.Background()) }()
		}
		other := groupListen(t, g, "tcp", acceptEcho)
		before := k.opened.Load()
		for _, c := range []struct {
			network, addr, says string
			opts                []ListenOption
		}{
			{"tulip", "127.0.0.1:0", "unknown network", nil},
			{"tcp", used.Addr().String(), "address already in use", nil},
			{"tcp", other.Addr().String(), "address already in use", nil},
			{"tcp", "127.0.0.1", "missing port", nil},
			{"tcp", "127.0.0.1:0", "must be ByAddress", []ListenOption{WithBalance(9)}},
			{"unix", "/tmp/s", "cannot be shared", []ListenOption{WithBalance(ByAddress)}},
			{"tcp", "127.0.0.1:0", "cannot count for WithMaxConns", []ListenOption{WithBalance(ByAddress), WithMaxConns(2)}},
			{"tcp", "127.0.0.1:0", "a control", []ListenOption{WithControl(func(int) error { return errors.New("a control") })}},
		} {
			if _, err := g.Listen(c.network, c.addr, acceptEcho, c.opts...); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Listen(%s, %s): %v, want %q", c.network, c.addr, err, c.says)
			}
		}
		if _, err := g.ListenPacket("udp", "127.0.0.1:0", func(*PacketConn) PacketHandler { return nil }); !running && err == nil {
			t.Error("a nil PacketHandler")
		}
		if n := k.opened.Load(); !running && n != before {
			t.Errorf("%d descriptors left behind", n-before)
		}
		if !running {
			go func() { ran <- g.Run(context.Background()) }()
		}
		g.Close()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if n := k.opened.Load(); n != 0 {
			t.Errorf("%d descriptors left", n)
		}
	}
	if _, err := (manual(t)).Listen("tcp", "127.0.0.1:0", acceptEcho, WithBalance(RoundRobin)); err == nil {
		t.Error("WithBalance without a group")
	}
}

// With WithReusePort two groups can share an address.
func TestGroupsShareAnAddress(t *testing.T) {
	if kernel.SO_BALANCE == 0 {
		t.Skip("not on this system")
	}
	a, b := group(t, 2), group(t, 2)
	l := groupListen(t, a, "tcp", acceptEcho, WithReusePort())
	if _, err := b.Listen("tcp", l.Addr().String(), acceptEcho, WithReusePort()); err != nil {
		t.Fatal(err)
	}
	for range 64 {
		roundTrip(t, connect(t, l.Addr()), "hello")
	}
	if x, y := a.Stats().Conns, b.Stats().Conns; x == 0 || y == 0 || x+y != 64 {
		t.Errorf("%d and %d connections", x, y)
	}
}

// A callback of a running Group can make a GroupListener and close it. The accepted connections
// stay open.
func TestGroupListenInACallback(t *testing.T) {
	for _, b := range []Balance{0, RoundRobin} {
		g := group(t, 3)
		ls := make(chan *GroupListener)
		g.Post(func(*Reactor) {
			opts := []ListenOption{WithBalance(b)}[:min(b, 1)]
			l, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho, opts...)
			if err != nil {
				t.Error(err)
			}
			ls <- l
		})
		l := <-ls
		var open []net.Conn
		for range 20 {
			open = append(open, connect(t, l.Addr()))
			roundTrip(t, open[len(open)-1], "hello")
		}
		g.Post(func(*Reactor) { l.Close(); l.Close() })
		for g.Stats().Listeners > 0 {
			time.Sleep(time.Millisecond)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Error("still listening")
		}
		for _, c := range open {
			roundTrip(t, c, "still here")
		}
	}
}
