//go:build unix

package reactor

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// While a reader has a slot of the board, the loop writes the other one. No reader gets that slot
// before the loop has written it.
func TestBoardLeavesTheReadersSlotAlone(t *testing.T) {
	r := manual(t)
	read := r.board.own
	for turns := range 4 {
		read.taken.Store(true)
		if turns > 0 {
			_ = r.Turn(0)
		}
		if !read.taken.Load() || turns > 0 && (r.board.own == read || r.board.latest.Load() != r.board.own) {
			t.Fatalf("turn %d writes the slot that is being read", turns)
		}
		read.taken.Store(false)
		if n := r.Stats().Turns; n != uint64(turns) {
			t.Errorf("%d turns, want %d", n, turns)
		}
		read = r.board.own
	}
	var b board
	b.begin()
	if s := b.turnOver(); !s.taken.Load() || s == &b.slots[0] || b.latest.Load() != s {
		t.Error("a reader may get the slot before it is written")
	}
}

// If other code has closed the loop's descriptor, the loop logs that.
func TestForeignCloseIsLogged(t *testing.T) {
	simulated(t, func(t *lab) {
		core, logs := observer.New(zapcore.ErrorLevel)
		fd, _ := t.pair()
		c := adoptFD(t, t.reactor(WithLogger(zaplog.New(core))), fd, &hooks{})
		_ = c.Pause() // without a registration, which Close would have to end first
		t.must("close", t.k.Close(fd))
		c.Abort()
		if n := logs.FilterField(zaplog.Int("fd", fd)).Len(); n != 1 {
			t.Errorf("%d lines: %v", n, logs.All())
		}
	})
}

// A stubbornPoller cannot be closed.
type stubbornPoller struct{ poller.Poller }

var errStubborn = errors.New("it cannot be closed")

func (p stubbornPoller) Close() error {
	_ = p.Poller.Close()
	return errStubborn
}

// The error of the Poller's close is the result of the loop.
func TestErrorOfThePollersCloseIsTheResult(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r.poller = stubbornPoller{r.poller}
	if err := r.Shutdown(context.Background()); err != errStubborn {
		t.Errorf("Shutdown: %v", err)
	}
}

// After a long turn with an unclear cause, the loop measures the next callbacks one by one, of
// every kind.
func TestEachKindOfCallbackIsTimed(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		var c *Conn
		p := t.dial(t.listen("tcp", always(&hooks{opened: func(got *Conn) { c = got }})))
		t.until(func() bool { return c != nil })
		r.Load()
		for what, cause := range map[string]func(ran func()){
			"timer":        func(ran func()) { r.After(0, ran) },
			"post":         func(ran func()) { _ = r.Post(ran) },
			"post of Conn": func(ran func()) { _ = c.Post(ran) },
			"task":         func(ran func()) { r.Go(func(*Task) { ran() }) },
			"woken task": func(ran func()) {
				fd, p := t.pair()
				d := desc.New(t.k, fd, (*taskWaiter)(r))
				r.Go(func(*Task) {
					d.Recv(&desc.Call{Limit: timeout.None}, make([]byte, 1), 0)
					ran()
					d.Close()
				})
				timed := r.slow.timed
				t.turn()
				r.slow.timed = timed
				p.send("x")
			},
			"Event": func(ran func()) { _ = c.SetHandler(&hooks{data: func(*Conn, []byte) { ran() }}); p.send("x") },
		} {
			for _, before := range []int{2, 1} {
				r.slow.timed = before
				ran := false
				cause(func() { ran = true })
				t.until(func() bool { return ran })
				if n := r.slow.timed; n != before-1 {
					t.Errorf("%s: %d callbacks are left to be timed, %d before", what, n, before)
				}
			}
		}
	})
}

// A read that an earlier turn has left counts as a callback of the turn that makes it.
func TestLeftReadsCountAsCallbacks(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		fd, _ := t.pair()
		read := false
		_, err := r.Attach(fd, []byte("x"), &hooks{data: func(*Conn, []byte) { t.spend(time.Second); read = true }})
		if err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return read })
		l := r.Load()
		if s := l.Longest; s.Callbacks != 1 || !s.Sure || s.Callback != "*reactor.hooks" {
			t.Errorf("%+v", s)
		}
	})
}

// The lag of a timer includes the time that Events of the same turn took.
func TestLagIncludesTheEventsOfTheTurn(t *testing.T) {
	const stall = 20 * time.Millisecond
	simulated(t, func(t *lab) {
		r := t.reactor()
		p := t.dial(t.listen("tcp", always(&hooks{data: func(*Conn, []byte) { t.spend(stall) }})))
		t.until(func() bool { return r.conns == 1 })
		r.Load()
		t.turn()
		fired := false
		t.freeze(func() {
			p.send("x")
			r.After(0, func() { fired = true })
			t.spend(time.Millisecond)
		})
		t.until(func() bool { return fired })
		if l := r.Load(); l.Lag.Sum < stall {
			t.Errorf("lag %v, and the Event took %v", l.Lag.Sum, stall)
		}
	})
}

// With a Poller that does not report whether it has slept, a turn with a deadline begins after its
// Wait. A turn that may not sleep begins when the turn before it has ended.
func TestBeginOfATurnWithoutSlept(t *testing.T) {
	r := manual(t)
	r.measure(1)
	r.sleeper = nil
	for until, slept := range map[timeout.Deadline]bool{timeout.Past: false, timeout.Past + 1: true, timeout.Never: true} {
		r.times.on, r.often.turnEnded = true, 7
		r.measureBegin(until)
		if got := r.times.turnBegan != 7; got != slept {
			t.Errorf("until %v: the turn begins at %v", until, r.times.turnBegan)
		}
	}
}

// A callback inside another one counts as a part of the outer one. After the step of a Task, no
// callback runs.
func TestWatchdogMeasuresTheOuterCallback(t *testing.T) {
	r := manual(t, WithSlowCallback(time.Hour))
	d := r.watchdog
	if !d.enter(3) || d.enter(4) || d.fd != 3 {
		t.Errorf("descriptor %d", d.fd)
	}
	d.leave()
	ran := false
	r.Go(func(*Task) { ran = d.busy })
	_ = r.Turn(0)
	if !ran || d.busy || !d.since.IsZero() {
		t.Errorf("during the step: %v; after it: %v since %v", ran, d.busy, d.since)
	}
}

// The watchdog reads the loop's stack at most once a second, and that of each callback once.
func TestWatchdogReadsFewStacks(t *testing.T) {
	before := inside.LoopStack
	defer func() { inside.LoopStack = before }()
	reads := 0
	inside.LoopStack = func(uintptr, time.Time) string { reads++; return "stack" }
	d := &watchdog{r: manual(t), slow: time.Minute, log: func(inside.Slow) {}}
	long := func() {
		d.enter(-1)
		d.since = time.Now().Add(-time.Hour)
		d.look()
		d.look()
		d.leave()
	}
	long()
	long()
	if reads != 1 {
		t.Errorf("%d stacks of two callbacks in a second", reads)
	}
	d.looked = time.Now().Add(-time.Second)
	if long(); reads != 2 {
		t.Errorf("%d stacks after a second", reads)
	}
}

// A call that reaches no Kernel still checks that it comes from the goroutine of the simulated
// world.
type ownerKernel struct {
	Kernel
	asked []string
}

func (k *ownerKernel) CoroutineBegins()  {}
func (k *ownerKernel) CoroutineEnds()    {}
func (k *ownerKernel) Owned(what string) { k.asked = append(k.asked, what) }

func TestPostAsksForItsGoroutine(t *testing.T) {
	r := manual(t)
	k := &ownerKernel{Kernel: r.k}
	r.lone = k
	_ = r.Post(func() {})
	r.lone = nil
	if len(k.asked) != 1 || k.asked[0] != "Post" {
		t.Errorf("asked for %q", k.asked)
	}
}
