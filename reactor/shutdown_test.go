//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Each caller of Shutdown waits until its own context ends. A Task that waits for a goroutine keeps
// the drain from ending. A caller whose context ends returns, whether it was the first or the last
// caller, and even if it runs the loop. The other callers get the result of the drain.
func TestEachCallerOfShutdownBoundsItsOwnWait(t *testing.T) {
	for _, c := range []struct {
		name       string
		run        bool // Run runs the loop; otherwise the first Shutdown does
		shortFirst bool
	}{
		{"run, short first", true, true},
		{"run, short last", true, false},
		{"not run, short first", false, true},
		{"not run, short last", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fresh(t)
			release, begun, drained := make(chan struct{}), make(chan struct{}), false
			held := func() {
				r.Go(func(task *Task) {
					close(begun)
					if task.Await(func() { <-release }) == nil {
						drained = true
					}
				})
			}
			if err := r.Post(held); err != nil {
				t.Fatal(err)
			}
			if c.run {
				go r.Run(context.Background())
				<-begun
			}
			brief, cancel := context.WithCancel(context.Background())
			short, long := make(chan error, 1), make(chan error, 1)
			first, second := func() { short <- r.Shutdown(brief) }, func() { long <- r.Shutdown(context.Background()) }
			if !c.shortFirst {
				first, second = second, first
			}
			go first()
			<-begun
			waiting(r, 1)
			go second()
			waiting(r, 2)
			cancel()
			if err := <-short; !errors.Is(err, context.Canceled) {
				t.Errorf("the one whose context has ended: %v", err)
			}
			waiting(r, 1)
			third := make(chan error, 1)
			go func() { third <- r.Shutdown(context.Background()) }()
			waiting(r, 2)
			select {
			case <-r.done:
				t.Error("the drain was aborted, though others wait")
			default:
			}
			close(release)
			for _, err := range []error{<-long, <-third} {
				if err != nil {
					t.Errorf("who waits longer: %v", err)
				}
			}
			if !drained {
				t.Error("the task was cut off")
			}
		})
	}
}

// When the contexts of all callers have ended, the drain aborts everything. Each caller returns.
func TestTheLastCallerOfShutdownAborts(t *testing.T) {
	r := fresh(t)
	release, begun := make(chan struct{}), make(chan struct{})
	defer close(release)
	held := func() {
		r.Go(func(task *Task) {
			close(begun)
			task.Await(func() { <-release })
		})
	}
	if err := r.Post(held); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 2)
	a, endA := context.WithCancel(context.Background())
	b, endB := context.WithCancel(context.Background())
	go func() { got <- r.Shutdown(a) }()
	<-begun
	go func() { got <- r.Shutdown(b) }()
	waiting(r, 2)
	endA()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("the first that leaves: %v", err)
	}
	endB()
	<-got
	<-r.done
}

// fresh makes a reactor that nobody runs.
func fresh(t *testing.T) *Reactor {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Shutdown(ended()) })
	return r
}

// waiting waits until n callers are in Shutdown.
func waiting(r *Reactor, n int) {
	for {
		r.mu.Lock()
		ok := r.waiters == n
		r.mu.Unlock()
		if ok {
			return
		}
		runtime.Gosched()
		time.Sleep(100 * time.Microsecond)
	}
}

// A panic has left Run. A Shutdown releases everything, and a Closed panics in it. The next
// Shutdown releases the rest.
func TestPanicWhileShutdownGivesBack(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	fd, peer := pair(t)
	defer kernel.Host.Close(peer)
	adoptFD(t, r, fd, &hooks{closed: func(*Conn, error) { panic("two") }})
	if err := r.Post(func() { panic("one") }); err != nil {
		t.Fatal(err)
	}
	caught := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	if v := caught(func() { _ = r.Run(context.Background()) }); v != "one" {
		t.Errorf("Run: %v", v)
	}
	if v := caught(func() { _ = r.Shutdown(context.Background()) }); v != "two" {
		t.Errorf("the first Shutdown: %v", v)
	}
	if err := r.Shutdown(context.Background()); err == nil || !r.stopped {
		t.Errorf("the second Shutdown: %v; ended: %v", err, r.stopped)
	}
}
