//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// apart calls f on a goroutine of its own, which runtime.Goexit may end.
func apart(f func()) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f()
	}()
	<-gone
}

// If the goroutine of a loop is locked to its thread, the loop stays on it, and each runtime.Goexit
// makes the stack longer. So after nestedMost of them, the loop fails in order. A loop that is not
// locked survives more of them, and its stack does not grow.
func TestGoexitsOfALockedLoopAreBounded(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, isLocked := range []bool{true, false} {
		exits := 0
		r, err := New(WithPanicHandler(func(*Conn, any, []byte) { exits++ }))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if isLocked {
				runtime.LockOSThread()
			}
			_ = r.Run(context.Background())
		}()
		on(t, r, func() {}) // otherwise Shutdown could run the loop on this goroutine
		const posts = nestedMost + 100
		for range posts {
			for errors.Is(r.Post(runtime.Goexit), ErrFull) {
				time.Sleep(time.Millisecond)
			}
		}
		err = r.Shutdown(context.Background())
		switch {
		case isLocked && (!errors.Is(err, errNested) || exits < nestedMost):
			t.Errorf("locked: %d calls of Goexit, %v", exits, err)
		case !isLocked && (err != nil || exits != posts):
			t.Errorf("not locked: %d calls of Goexit, %v", exits, err)
		}
	}
}

// The panic handler gets each panic and each runtime.Goexit once, however many guards it leaves.
// Guards are nested in all ways, in a callback and in a Task.
func TestEachUnwindingIsReportedOnce(t *testing.T) {
	var r *Reactor
	guard := func(f func()) { r.guard(nil, f) }
	boom := func(v any) func() { return func() { panic(v) } }
	for _, c := range []struct {
		name string
		f    func()
		want []any
	}{
		{"nested guards", func() { guard(func() { guard(runtime.Goexit) }) }, []any{ErrGoexit}},
		{"a panic in Goexit", func() { guard(unwindings["panic in Goexit"]) }, []any{"boom"}},
		{"a panic, then Goexit", func() { guard(boom(1)); runtime.Goexit() }, []any{1, ErrGoexit}},
		{"Goexit, then a panic", func() { defer boom(2)(); guard(runtime.Goexit) }, []any{ErrGoexit, 2}},
		{"a panic in a guard during Goexit", func() { defer guard(boom(2)); guard(runtime.Goexit) }, []any{ErrGoexit, 2}},
		{"Goexit during Goexit", func() { defer guard(runtime.Goexit); guard(runtime.Goexit) }, []any{ErrGoexit, ErrGoexit}},
		{"a call that returns during Goexit", func() { defer guard(func() {}); guard(runtime.Goexit) }, []any{ErrGoexit}},
	} {
		for _, task := range []bool{false, true} {
			var got []any
			r = manual(t, WithPanicHandler(func(_ *Conn, v any, _ []byte) { got = append(got, v) }))
			if task {
				r.Go(func(*Task) { c.f() })
			} else if err := r.Post(c.f); err != nil {
				t.Fatal(err)
			}
			for range 3 { // Goexit of a callback ends a turn and its goroutine
				apart(func() { _ = r.Turn(0) })
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, in a Task: %v: got %v, want %v", c.name, task, got, c.want)
			}
		}
	}
}

// A Task may wait while runtime.Goexit unwinds it. The panic handler gets the Goexit of another
// callback meanwhile, and gets the Goexit of the Task only once.
func TestGoexitOfATaskThatWaitsIsReportedOnce(t *testing.T) {
	var got []any
	r := manual(t, WithPanicHandler(func(_ *Conn, v any, _ []byte) { got = append(got, v) }))
	var waits *Task
	r.Go(func(tk *Task) {
		waits = tk
		defer func() { _ = tk.Sleep(time.Hour) }()
		r.guard(nil, runtime.Goexit)
	})
	r.Go(func(*Task) {})
	turn := func(want int) {
		t.Helper()
		if apart(func() { _ = r.Turn(0) }); len(got) != want {
			t.Errorf("the panic handler got %v, want %d calls", got, want)
		}
	}
	turn(1)
	if err := r.Post(runtime.Goexit); err != nil {
		t.Fatal(err)
	}
	turn(2)
	waits.Cancel()
	turn(2)
	if n := r.Stats().Tasks; n != 0 {
		t.Errorf("%d tasks", n)
	}
}

// Two goroutines call Shutdown, and the first one runs the loop. A callback calls runtime.Goexit,
// and then the context of the first caller ends. The drain continues, and the second caller gets
// its result.
func TestShutdownContinuesAfterGoexit(t *testing.T) {
	r, err := New(WithPanicHandler(func(*Conn, any, []byte) {}))
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan bool)
	r.Go(func(tk *Task) { _ = tk.Await(func() { <-release }) })
	first, cancel := context.WithCancel(context.Background())
	go func() { _ = r.Shutdown(first) }()
	on(t, r, func() {}) // the first caller runs the loop
	second := make(chan error)
	go func() { second <- r.Shutdown(context.Background()) }()
	for waiters := 0; waiters < 2; runtime.Gosched() {
		r.mu.Lock()
		waiters = r.waiters
		r.mu.Unlock()
	}
	if err := r.Post(runtime.Goexit); err != nil {
		t.Fatal(err)
	}
	on(t, r, func() {}) // on another goroutine
	cancel()
	on(t, r, func() {})
	close(release)
	if err := <-second; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A callback panics, and then user code that runs because of this panic calls runtime.Goexit: the
// Filter's Closed, or the panic handler after a panic of the loop itself. The panic is reported,
// and the loop continues or ends.
func TestGoexitAfterAPanic(t *testing.T) {
	var got []any
	r := manual(t, WithPanicHandler(func(_ *Conn, v any, _ []byte) { got = append(got, v) }))
	a, b := pair(t)
	filter := WithFilters(func(bool) (func(*Wire) Filter, error) {
		return func(w *Wire) Filter { return &trap{w: w, at: "Closed", boom: runtime.Goexit} }, nil
	})
	adoptFD(t, r, a, &hooks{data: func(*Conn, []byte) { panic("boom") }}, filter)
	fill(b, []byte("x"))
	for range 3 {
		apart(func() { _ = r.Turn(0) })
	}
	kernel.Host.Close(b)
	if !slices.Contains(got, "boom") || !slices.Contains(got, any(ErrGoexit)) || len(got) != 2 || r.conns != 0 {
		t.Errorf("the panic handler got %v; %d Conns are left", got, r.conns)
	}

	r, err := New(WithPanicHandler(func(*Conn, any, []byte) { runtime.Goexit() }))
	if err != nil {
		t.Fatal(err)
	}
	r.poller = panickingPoller{r.poller}
	go func() { _ = r.Run(context.Background()) }()
	<-r.done
	if p := (*PanicError)(nil); !errors.As(r.result, &p) || p.Value != "in the loop" {
		t.Errorf("the loop's result is %v", r.result)
	}
}

type panickingPoller struct{ poller.Poller }

func (panickingPoller) Wait([]poller.Event, timeout.Deadline) (int, error) { panic("in the loop") }

// The function of Await calls runtime.Goexit while a reported Goexit unwinds the Task, or while a
// guard is around Await. It is reported once more.
func TestGoexitOfAwaitsFunctionIsReported(t *testing.T) {
	for want, f := range map[int]func(*Reactor, *Task){
		1: func(r *Reactor, tk *Task) { r.guard(nil, func() { _ = tk.Await(runtime.Goexit) }) },
		2: func(r *Reactor, tk *Task) {
			defer func() { _ = tk.Await(runtime.Goexit) }()
			r.guard(nil, runtime.Goexit)
		},
	} {
		var got []any
		r := manual(t, WithPanicHandler(func(_ *Conn, v any, _ []byte) { got = append(got, v) }))
		task := r.Go(func(tk *Task) { f(r, tk) })
		turnUntil(t, r, task.Done)
		if _ = r.Turn(0); len(got) != want || got[0] != ErrGoexit || got[want-1] != ErrGoexit {
			t.Errorf("the panic handler got %v, want %d times ErrGoexit", got, want)
		}
	}
}

// A guard in a Task does not stop the unwinding of a Task that waits again after its cancellation.
// The panic handler gets nothing, and the Conn of the guard ends.
func TestAGuardDoesNotStopTheUnwindingOfATask(t *testing.T) {
	r := manual(t, WithPanicHandler(func(_ *Conn, v any, _ []byte) { t.Errorf("the panic handler got %v", v) }))
	a, b := pair(t)
	defer kernel.Host.Close(b)
	var ended error
	c := adoptFD(t, r, a, &hooks{closed: func(_ *Conn, err error) { ended = err }})
	task := r.Go(func(tk *Task) {
		r.guard(c, func() { _, _ = tk.Sleep(time.Hour), tk.Sleep(time.Hour) })
		t.Error("the Task continues")
	})
	_ = r.Turn(0)
	task.Cancel()
	turnUntil(t, r, func() bool { return task.Done() && ended != nil })
	if p := (*PanicError)(nil); !errors.As(ended, &p) || p.Value != ErrUnwound {
		t.Errorf("Closed got %v", ended)
	}
}
