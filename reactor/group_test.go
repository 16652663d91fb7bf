//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// group makes a Group and runs it until the test ends.
func group(t testing.TB, n int, opts ...Option) *Group {
	t.Helper()
	g, err := NewGroup(n, opts...)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		g.Run(context.Background())
		close(done)
	}()
	for _, r := range g.loops {
		for r.owner.Load() == ownerless {
			time.Sleep(time.Millisecond)
		}
	}
	t.Cleanup(func() {
		g.Shutdown(ended())
		<-done
	})
	return g
}

// groupListen listens for the whole Group.
func groupListen(t testing.TB, g *Group, network string, accept func(*Conn) Handler, opts ...ListenOption) *GroupListener {
	t.Helper()
	l, err := g.Listen(network, anyAddr(t, network), accept, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// conns is how many are open on each loop, once they are n together.
func conns(t testing.TB, g *Group, n int) (each []int) {
	t.Helper()
	for range 2000 {
		each = each[:0]
		sum := 0
		for _, r := range g.loops {
			c := r.Stats().Conns
			each, sum = append(each, c), sum+c
		}
		if sum == n {
			return each
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%v connections, want %d together", each, n)
	return nil
}

var balances = []Balance{0, ByAddress, RoundRobin, LeastConns}

// Whatever the balance and the network, every connection is echoed, its callbacks all come from the one loop that its
// Conn names, which is that loop's goroutine (an unlocked count per loop: -race), and all loops have some. Then all are
// told Closed, and no descriptor is left.
func TestGroupServesOnEveryLoop(t *testing.T) {
	for _, network := range []string{"tcp", "tcp6", "unix"} {
		for _, b := range balances {
			if b == ByAddress && (network == "unix" || kernel.SO_BALANCE == 0) {
				continue
			}
			t.Run(fmt.Sprint(network, b), func(t *testing.T) {
				const loops, many = 4, 64
				k := hostWithFaults()
				g := group(t, loops, WithKernel(k))
				var calls [loops]int // by loop, unlocked
				var closed atomic.Int64
				var opts []ListenOption
				if b != 0 {
					opts = append(opts, WithBalance(b))
				}
				l := groupListen(t, g, network, func(c *Conn) Handler {
					home := c.Reactor()
					check := func(c *Conn) {
						calls[home.Loop()]++
						if c.Reactor() != home {
							t.Error("the Conn has moved")
						}
					}
					check(c)
					return &hooks{
						data:   func(c *Conn, p []byte) { check(c); c.Send(p) },
						closed: func(c *Conn, _ error) { check(c); closed.Add(1) },
					}
				}, opts...)
				var clients []net.Conn
				for i := range many {
					c := connect(t, l.Addr())
					roundTrip(t, c, fmt.Sprint("client ", i))
					clients = append(clients, c)
				}
				each := conns(t, g, many)
				for _, n := range each {
					exact := network == "unix" || b > ByAddress
					if n == 0 || exact && n != many/loops {
						t.Errorf("connections by loop: %v", each)
					}
				}
				for _, c := range clients[:many/2] {
					c.Close()
				}
				if err := g.Shutdown(context.Background()); err != nil || closed.Load() != many {
					t.Errorf("Shutdown: %v; %d Conns closed, want %d", err, closed.Load(), many)
				}
				if n := k.opened.Load(); n != 0 {
					t.Errorf("%d descriptors left", n)
				}
				for i, n := range calls {
					if n < 2*each[i] {
						t.Errorf("loop %d: %d calls for %d connections", i, n, each[i])
					}
				}
			})
		}
	}
}

// The connections of two loops leave; the next ones go there until all have as many again.
func TestLeastConnsFillsUp(t *testing.T) {
	g := group(t, 4)
	l := groupListen(t, g, "tcp", acceptEcho, WithBalance(LeastConns))
	home := map[int][]net.Conn{}
	for range 40 {
		c := connect(t, l.Addr())
		before := g.Stats().BytesIn
		roundTrip(t, c, "whose am I?")
		for i, r := range g.loops {
			for g.Stats().BytesIn == before {
				time.Sleep(time.Millisecond)
			}
			if r.Stats().Conns > len(home[i]) {
				home[i] = append(home[i], c)
			}
		}
	}
	for _, c := range append(home[1], home[3][:5]...) {
		c.Close()
	}
	conns(t, g, 40-15)
	for range 15 {
		connect(t, l.Addr())
	}
	if each := fmt.Sprint(conns(t, g, 40)); each != "[10 10 10 10]" {
		t.Errorf("connections by loop: %s", each)
	}
}

// WithMaxConns is exact over all loops: with 5 open the sixth waits, and comes when one on another loop has left.
func TestGroupMaxConns(t *testing.T) {
	g := group(t, 3)
	l := groupListen(t, g, "tcp", acceptEcho, WithMaxConns(5))
	var open []net.Conn
	for range 9 {
		open = append(open, connect(t, l.Addr()))
	}
	for _, c := range open[:5] {
		roundTrip(t, c, "in")
	}
	for i, c := range open[5:] {
		conns(t, g, 5)
		open[i].Close()
		roundTrip(t, c, "in")
	}
	if each := conns(t, g, 5); g.Stats().Accepted != 9 {
		t.Errorf("%d accepted, %v open", g.Stats().Accepted, each)
	}
}

// Ten thousand connections: the kernel's choice leaves no loop 10 % above or below its share, the handed-over ones are
// exactly even. The clients are in a process of their own, for the sake of its descriptors.
func TestConnsAreBalanced(t *testing.T) {
	many := 10_000
	if testing.Short() || raceEnabled {
		many = 2000
	}
	for _, b := range []Balance{ByAddress, LeastConns} {
		if b == ByAddress && kernel.SO_BALANCE == 0 {
			continue
		}
		g := group(t, 2)
		l := groupListen(t, g, "tcp", acceptEcho, WithBalance(b))
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"=crowd", fmt.Sprint("CROWD=", many, " ", l.Addr()))
		leave, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		for g.Stats().Conns < many {
			select {
			case <-gone:
				t.Skip("a machine with fewer descriptors: ", said.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
		each := conns(t, g, many)
		leave.Close()
		if err := <-gone; err != nil {
			t.Error(err, said.String())
		}
		share := many / len(each)
		t.Log(each)
		for _, n := range each {
			off := max(n-share, share-n)
			if b == ByAddress && off > share/10 || b == LeastConns && off > 0 {
				t.Errorf("balance %d: %v", b, each)
			}
		}
	}
}

func init() { children["crowd"] = crowd }

// crowd connects and stays until standard input ends, then resets: no TIME_WAIT for the tests that follow.
func crowd() {
	var many int
	var addr string
	fmt.Sscan(os.Getenv("CROWD"), &many, &addr)
	var all []net.Conn
	for range many {
		c, err := net.Dial("tcp", addr)
		require(err == nil, "%v", err)
		all = append(all, c)
	}
	io.Copy(io.Discard, os.Stdin)
	for _, c := range all {
		resetConn(c)
	}
}

// Post goes round, PostAll reaches each loop once, or none when one of them is full; Go runs tasks on all loops; all are
// refused once the loops have ended.
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
	g.loops[1].Post(func() {}) // it may run or not
	block := make(chan struct{})
	entered := make(chan struct{})
	g.loops[1].Post(func() { close(entered); <-block })
	<-entered
	g.loops[1].Post(func() {})
	g.loops[1].Post(func() {})
	if err := g.PostAll(func(*Reactor) { t.Error("called") }); err != ErrFull {
		t.Errorf("PostAll with a full loop: %v", err)
	}
	for range 3 { // passes the full one over
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

// Datagrams of many senders are echoed by all loops; those of one sender by one.
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

// Clients of all loops have megabytes on their way when Shutdown begins; those that read get everything, and what the
// others do not take is reported as one sum, by Run too.
func TestGroupShutdownSumsUp(t *testing.T) {
	g, err := NewGroup(3)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- g.Run(context.Background()) }()
	const size = 3 << 20
	l := groupListen(t, g, "tcp", always(&hooks{opened: func(c *Conn) { c.Send(pattern(size)) }}), WithBalance(RoundRobin))
	var stuck, reading []net.Conn
	for i := range 6 {
		c := connect(t, l.Addr())
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		if i < 3 {
			stuck = append(stuck, c)
		} else {
			reading = append(reading, c)
		}
	}
	conns(t, g, 6)
	var readers sync.WaitGroup
	for _, c := range reading {
		readers.Go(func() {
			if n, err := io.Copy(io.Discard, c); n != size || err != nil {
				t.Errorf("a client that reads got %d bytes, %v", n, err)
			}
			c.Close()
		})
	}
	for g.Stats().Conns > 0 && g.Stats().BytesOut < 3*size {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = g.Shutdown(ctx)
	readers.Wait()
	var lost *UndeliveredError
	if !errors.As(err, &lost) || lost.Conns != 3 {
		t.Fatalf("Shutdown: %v, want an UndeliveredError of 3 connections", err)
	}
	if e := (*UndeliveredError)(nil); !errors.As(<-ran, &e) || *e != *lost {
		t.Errorf("Run: %v, want %v", e, lost)
	}
	got := int64(0)
	for _, c := range stuck {
		n, _ := io.Copy(io.Discard, c)
		got += n
	}
	if got+lost.Bytes != 3*size {
		t.Errorf("%v; %d bytes arrived, %d were sent", lost, got, 3*size)
	}
}

// sabotage is a Poller that fails, or panics, when it is told to.
type sabotage struct {
	poller.Poller
	on    atomic.Bool
	panic bool
}

func (s *sabotage) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	n, err := s.Poller.Wait(events, until)
	if s.on.Load() && s.panic {
		panic("the loop itself")
	} else if s.on.Load() {
		return 0, kernel.EINVAL
	}
	return n, err
}

// One of three loops fails: its poller's error, or a panic outside of all guards. Its connections end, the others' go on,
// new ones are served by the others whatever the balance, the log names the loop, and Run returns it.
func TestFailedLoopIsAlone(t *testing.T) {
	for _, kind := range []string{"error", "panic"} {
		for _, b := range []Balance{ByAddress, RoundRobin} {
			if b == ByAddress && kernel.SO_BALANCE == 0 {
				continue
			}
			t.Run(fmt.Sprint(kind, b), func(t *testing.T) {
				core, logs := observer.New(zap.ErrorLevel)
				var caught atomic.Int64
				g, err := NewGroup(3, WithLogger(zap.New(core)),
					WithPanicHandler(func(*Conn, any, []byte) { caught.Add(1) }))
				if err != nil {
					t.Fatal(err)
				}
				s := &sabotage{Poller: g.loops[1].poller, panic: kind == "panic"}
				g.loops[1].poller = s
				ran := make(chan error)
				l := groupListen(t, g, "tcp", acceptEcho, WithBalance(b))
				go func() { ran <- g.Run(context.Background()) }()
				var open []net.Conn
				for range 48 {
					c := connect(t, l.Addr())
					roundTrip(t, c, "before")
					open = append(open, c)
				}
				each := conns(t, g, 48)
				s.on.Store(true)
				for g.loops[1].mustPost(func() {}) { // a post may still run in the turn before
					time.Sleep(time.Millisecond)
				}
				conns(t, g, each[0]+each[2])
				lost := 0
				for _, c := range open {
					io.WriteString(c, "after")
					if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
						lost++
					}
				}
				if lost != each[1] {
					t.Errorf("%d connections lost, loop 1 had %d", lost, each[1])
				}
				for range 30 {
					roundTrip(t, connect(t, l.Addr()), "new")
				}
				if n := logs.FilterMessage("the loop has failed").FilterField(zap.Int("loop", 1)).Len(); n != 1 {
					t.Errorf("%d lines name the loop: %v", n, logs.All())
				}
				if err := g.Shutdown(context.Background()); err == nil || !strings.Contains(err.Error(), "loop 1: ") {
					t.Errorf("Shutdown: %v", err)
				}
				if err := <-ran; err == nil || (caught.Load() == 1) != (kind == "panic") {
					t.Errorf("Run: %v, %d panics told", err, caught.Load())
				}
			})
		}
	}
}

// A handler that blocks stops its loop alone, and is named with it and its connection's peer.
func TestStalledLoopIsNamed(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	g := group(t, 2, WithSlowCallback(20*time.Millisecond), WithLogger(zap.New(core)))
	block := make(chan struct{})
	l := groupListen(t, g, "tcp", always(&hooks{data: func(c *Conn, p []byte) {
		if string(p) == "block" {
			<-block
		}
		c.Send(p)
	}}), WithBalance(RoundRobin)) // the first on loop 0, the second on loop 1
	a, b := connect(t, l.Addr()), connect(t, l.Addr())
	roundTrip(t, a, "a")
	roundTrip(t, b, "b")
	io.WriteString(b, "block")
	for logs.FilterMessage("a callback keeps the loop").Len() == 0 {
		roundTrip(t, a, "still served")
	}
	close(block)
	wantRead(t, b, "block")
	m := logs.FilterMessage("a callback keeps the loop").All()[0].ContextMap()
	if m["loop"] != int64(1) || m["peer"] != b.LocalAddr().String() {
		t.Errorf("it is said of %v, %v; want loop 1 and %v", m["loop"], m["peer"], b.LocalAddr())
	}
}

// What cannot be is an error that says why, and leaves nothing open.
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
			{"tcp", "127.0.0.1:0", "loop that counts", []ListenOption{WithBalance(ByAddress), WithMaxConns(2)}},
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

// WithReusePort is how two groups share an address on purpose.
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

// A running group's listener is made, and closed again, by a callback; who is connected stays.
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

// Clients connect while the group drains: every one that got in before is ended in order, the handed over too, and
// nothing leaks.
func TestDrainWhileHandingOver(t *testing.T) {
	for range 10 {
		k := hostWithFaults()
		g := group(t, 4, WithKernel(k))
		l := groupListen(t, g, "tcp", acceptEcho, WithBalance(RoundRobin))
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for i := range 200 {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						return
					}
					if i%2 == 0 { // stays until the server ends it
						clients.Go(func() { io.Copy(io.Discard, c); c.Close() })
						continue
					}
					io.WriteString(c, "hello")
					c.Read(make([]byte, 5))
					c.Close()
				}
			})
		}
		for g.Stats().Accepted < 20 {
			time.Sleep(100 * time.Microsecond)
		}
		if err := g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		clients.Wait()
		if n := k.opened.Load(); n != 0 {
			t.Fatalf("%d descriptors left", n)
		}
	}
}
