//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package locked

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A step is what one posted callback does.
type step string

const (
	exit step = "runtime.Goexit"
	lock step = "runtime.LockOSThread"
	look step = "is the goroutine locked?"
)

// A loop survives runtime.Goexit in a callback. If it runs on a locked goroutine, all later
// callbacks run on the same thread. Tasks survive too, because each is always resumed in the lock
// state in which it began. If there are no tasks, a callback may also lock the loop's goroutine,
// before or after a Goexit.
func TestLoopOutlivesGoexit(t *testing.T) {
	for name, c := range map[string]struct {
		tasks bool
		steps []step
	}{
		"tasks":                {true, []step{exit, look, exit, exit, look}},
		"locked by callbacks":  {false, []step{exit, lock, lock, look, exit, lock, look}},
		"locked before Goexit": {false, []step{lock, exit, look, lock, exit, exit, look}},
	} {
		for place, run := range places {
			t.Run(name+"/"+place, func(t *testing.T) { outlives(t, run, place != "goroutine", c.tasks, c.steps) })
		}
	}
}

func outlives(t *testing.T, run func(func()), isLocked, tasks bool, steps []step) {
	exits := 0
	r, err := reactor.New(reactor.WithPanicHandler(func(_ *reactor.Conn, v any, _ []byte) {
		if exits++; v != reactor.ErrGoexit {
			t.Errorf("panic: %v", v)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	naps := 0
	if tasks {
		r.Go(func(task *reactor.Task) {
			for task.Sleep(time.Millisecond) == nil {
				naps++
			}
		})
	}
	ended := make(chan struct{})
	go run(func() {
		defer close(ended)
		_ = r.Run(context.Background()) // it does not return
		t.Error("Run has returned")
	})
	for _, s := range steps {
		done := make(chan struct{})
		if err := r.Post(func() {
			defer close(done)
			switch s {
			case exit:
				runtime.Goexit()
			case lock:
				runtime.LockOSThread()
				isLocked = true
			case look:
				if is := threadLocked(); is != isLocked {
					t.Errorf("the loop's goroutine is locked: %v, want %v", is, isLocked)
				}
			}
		}); err != nil {
			t.Error(err)
		}
		<-done
	}
	// The Task continues to sleep and wake. The goroutine that runs the loop at this time resumes it.
	for first, now := -1, -1; tasks && (first < 0 || now <= first); {
		count := make(chan int)
		if err := r.Post(func() { count <- naps }); err != nil {
			t.Fatal(err)
		}
		if now = <-count; first < 0 {
			first = now
		}
	}
	if err := r.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-ended
	want := 0
	for _, s := range steps {
		if s == exit {
			want++
		}
	}
	if exits != want {
		t.Errorf("%d calls of runtime.Goexit were isolated, want %d", exits, want)
	}
}

// threadLocked reports whether the calling goroutine is locked to a thread. The first line of its
// stack trace says so.
func threadLocked() bool {
	b := make([]byte, 200)
	header, _, _ := bytes.Cut(b[:runtime.Stack(b, false)], []byte("\n"))
	return bytes.Contains(header, []byte("locked to thread"))
}
