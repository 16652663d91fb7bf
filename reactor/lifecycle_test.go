//go:build unix

package reactor

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

// checkEnded checks that the reactor has ended: every kind of call must return net.ErrClosed.
func checkEnded(t testing.TB, r *Reactor) {
	t.Helper()
	_, e1 := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
	_, e2 := r.Dial("tcp", "127.0.0.1:1", &hooks{})
	_, e3 := r.ListenPacket("udp", "127.0.0.1:0", &packets{})
	_, e4 := r.Watch(0, poller.In, func(poller.Readiness) {})
	e5 := r.Post(func() { t.Error("posted after the end and called") })
	for i, err := range []error{e1, e2, e3, e4, e5} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("call %d after the end: %v", i, err)
		}
	}
	r.Close()
	if n := r.conns + r.listeners + r.packets + r.table.Len(); n != 0 {
		t.Errorf("%d things are left", n)
	}
}

// Shutdown drains a reactor that nobody has run, and closes its descriptors.
func TestShutdownWithoutRun(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		r := t.reactor(WithKernel(k))
		ran := false
		r.Post(func() { ran = true })
		addr := t.listen("tcp", acceptEcho)
		var c *peer
		t.freeze(func() { c = t.dial(addr) })
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		t.over = true
		if got, _ := c.readAll(); len(got) > 0 {
			t.Error("the waiting client was served")
		}
		if !ran || k.opened.Load() != 0 {
			t.Errorf("the post ran: %v; %d descriptors", ran, k.opened.Load())
		}
		checkEnded(t, r)
	})
}

// Many goroutines call Shutdown, before or after Run begins. All of them get the same result, and
// Run returns it too.
func TestConcurrentShutdowns(t *testing.T) {
	for i := range 60 {
		k := hostWithFaults()
		r, err := New(WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		if i%3 > 0 {
			wg.Go(func() {
				if err := r.Run(context.Background()); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
		for range 4 {
			wg.Go(func() {
				if err := r.Shutdown(context.Background()); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			})
		}
		wg.Wait()
		if err := r.Shutdown(ended()); err != nil {
			t.Errorf("Shutdown after the end: %v", err)
		}
		if k.opened.Load() != 0 || k.late.Load() != 0 {
			t.Errorf("%d descriptors, %d wakes of a closed poller", k.opened.Load(), k.late.Load())
		}
		checkEnded(t, r)
	}
}

// When the context of Run ends, the reactor aborts. Conns get ErrAborted, and Run returns the cause
// of the context.
func TestEndOfRunsContextAborts(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	opened, closed := make(chan struct{}), make(chan error, 1)
	c := connect(t, listen(t, r, "tcp", always(&hooks{
		opened: func(*Conn) { close(opened) },
		closed: func(_ *Conn, err error) { closed <- err },
	})))
	<-opened
	cancel(cause)
	if err := <-done; err != cause {
		t.Errorf("Run: %v, want the cause", err)
	}
	if err := <-closed; err != ErrAborted {
		t.Errorf("Closed(%v)", err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, kernel.ECONNRESET) {
		t.Errorf("the peer reads %v, want a reset", err)
	}
	checkEnded(t, r)
}

// Close on the loop only starts the drain. The callback continues, its output arrives, and the
// reactor ends in order.
func TestCloseOnTheLoopDrains(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		sent := pattern(2 << 20)
		c := t.dial(t.listen("tcp", always(&hooks{data: func(c *Conn, _ []byte) {
			r.Close()
			r.Close()
			if err := c.Send(sent); err != nil {
				t.Error(err)
			}
		}})))
		c.send("x")
		c.wantAll(sent)
		c.close()
		t.until(func() bool { return t.over })
		if r.result != nil {
			t.Errorf("ended with %v", r.result)
		}
	})
}

// User code calls Turn. The reactor has ended when Turn returns ErrClosed. A Shutdown on another
// goroutine waits for that.
func TestShutdownOfAReactorTurnedByHand(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r.Turn(0)
	done := make(chan error)
	go func() { done <- r.Shutdown(context.Background()) }()
	turns := 0
	for r.Turn(1<<62) != ErrClosed {
		turns++
	}
	if err := <-done; err != nil || turns > 3 {
		t.Errorf("Shutdown: %v after %d turns", err, turns)
	}
	if err := r.Turn(0); err != ErrClosed {
		t.Errorf("Turn after the end: %v", err)
	}
}

// Any goroutine may call Stats at any time. At the end the counts are exact.
func TestStatsFromAnyGoroutine(t *testing.T) {
	r := started(t)
	addr := listen(t, r, "tcp", acceptEcho)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var last Stats
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := r.Stats()
				if s.Turns < last.Turns || s.BytesIn < last.BytesIn || s.Accepted < last.Accepted {
					t.Error("a count went backwards")
				}
				last = s
			}
		})
	}
	c := connect(t, addr)
	n := longtest.Count(20, 100, 100)
	for range n {
		roundTrip(t, c, "0123456789")
	}
	on(t, r, func() {})
	close(stop)
	wg.Wait()
	on(t, r, func() {}) // Stats has the counts up to the last turn that has ended
	s := r.Stats()
	if s.Accepted != 1 || s.Conns != 1 || s.Listeners != 1 || s.BytesIn != uint64(10*n) || s.BytesOut != uint64(10*n) || s.Reads > uint64(10*n) || s.Sends > s.Reads {
		t.Errorf("%+v", s)
	}
}

// Detach returns the descriptor, which still works, and the bytes that the kernel has not accepted,
// in order. The loop then has no Conn.
func TestDetachHandsOverTheConnection(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		a, b := t.pair()
		c := adoptFD(t, r, a, &hooks{
			closed:  func(*Conn, error) { t.Error("Closed of a detached Conn") },
			data:    func(*Conn, []byte) { t.Error("Data of a detached Conn") },
			timeout: func(*Conn, TimeoutKind) { t.Error("Timeout of a detached Conn") },
		})
		c.SetIdleTimeout(1)
		sent := stream(0, 1<<20)
		c.Send(sent[:1<<20-10])
		c.Send(sent[1<<20-10:])
		fd, unsent, err := c.Detach()
		if err != nil || fd != a || len(unsent) == 0 {
			t.Fatalf("descriptor %d, %d bytes, %v", fd, len(unsent), err)
		}
		t.own(fd)
		if _, _, err := c.Detach(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Detach again: %v", err)
		}
		b.send("hello")
		r.Turn(0)
		r.Turn(0)
		got := make([]byte, 0, len(sent))
		buf := make([]byte, 1<<20)
		for {
			n, e := b.look(buf)
			if e != 0 {
				break
			}
			got = append(got, buf[:n]...)
		}
		if string(append(got, unsent...)) != string(sent) {
			t.Errorf("%d bytes arrived and %d are unsent, not what was sent", len(got), len(unsent))
		}
		if n, e := t.k.Recv(fd, buf, 0); string(buf[:n]) != "hello" {
			t.Errorf("the descriptor reads %q, %v", buf[:n], e)
		}
		if r.conns+r.table.Len()+r.timers.Len() != 0 {
			t.Error("something of it is left")
		}
		// The reactor may have a Watch of the descriptor at once.
		if _, err := r.Watch(fd, poller.In, func(poller.Readiness) {}); err != nil {
			t.Error(err)
		}
	})
}

// WithSlowCallback logs callbacks of every kind. While the callback runs, the line has its stack.
// When it has ended, the line has its descriptor.
func TestSlowCallbackIsNamed(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	r := started(t, WithSlowCallback(20*time.Millisecond), WithLogger(zaplog.New(core)))
	// On a busy machine other callbacks are slow too, for example the accept. So the test looks for
	// lines about its own callback.
	fd := -1
	var during map[string]any
	named := func(message string) (fields map[string]any) {
		for _, line := range logs.FilterMessage(message).All() {
			if m := line.ContextMap(); m["fd"] == int64(fd) && fields == nil {
				fields = m
			}
		}
		return fields
	}
	c := connect(t, listen(t, r, "tcp", always(&hooks{data: func(c *Conn, p []byte) {
		fd = c.FD()
		for during == nil {
			time.Sleep(time.Millisecond)
			during = named("a callback blocks the loop")
		}
		c.Send(p)
	}})))
	roundTrip(t, c, "slow")
	on(t, r, func() {})
	// Only the first line of a second has the stacks. On a slow machine that line may be about the
	// accept.
	stacks := ""
	for _, line := range logs.FilterMessage("a callback blocks the loop").All() {
		if s, ok := line.ContextMap()["stacks"].(string); ok {
			stacks += s
		}
	}
	if !strings.Contains(stacks, "reactor.(*Reactor)") {
		t.Errorf("the loop is not among the stacks: %s", stacks)
	}
	if m := named("slow callback"); m == nil || m["took"].(time.Duration) < 20*time.Millisecond {
		t.Errorf("of descriptor %d: %v; all lines: %v", fd, m, logs.All())
	}
}
