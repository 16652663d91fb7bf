//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
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
