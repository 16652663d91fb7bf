//go:build unix

package reactor

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"weak"
)

// While an older Task lives, each of 20 Tasks runs in the coroutine of the one before it. A Task
// that panics, or calls runtime.Goexit, ends its coroutine, and the next Task gets a sound one.
// When the last Task has ended, no coroutine is left.
func TestTasksReuseCoroutines(t *testing.T) {
	twice(t, func(t *lab) {
		before := runtime.NumGoroutine()
		reused := 0
		r, err := runTask(t, func(task *Task) {
			end := map[int]func(){3: func() { explode("on purpose") }, 7: runtime.Goexit}
			for i := range 20 {
				u := task.Go(func(u *Task) {
					u.Sleep(0)
					if f := end[i]; f != nil {
						f()
					}
					u.SetResult(i)
				})
				idle := len(task.r.idle)
				task.Sleep(0)
				reused += idle - len(task.r.idle)
				var p *PanicError
				if v, err := task.Join(u); (i == 3 || i == 7) != errors.As(err, &p) || err == nil && v != i {
					t.Errorf("task %d: joined with %v, %v", i, v, err)
				}
			}
			if len(task.r.idle) == 0 {
				t.Error("no coroutine is idle")
			}
		}, WithPanicHandler(func(*Conn, any, []byte) {}))
		if err != nil || reused != 17 { // all but the first and the two after the ends
			t.Errorf("%d of 20 tasks reused a coroutine; %v", reused, err)
		}
		if r.idle != nil {
			t.Errorf("%d coroutines are left", len(r.idle))
		}
		for n := 0; runtime.NumGoroutine() > before && n < 1e6; n++ { // of the reactor, not of tasks
			runtime.Gosched()
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines, before %d", n, before)
		}
	})
}

// A loop keeps at most idleCoroutines, and none with Enter, whose labels a coroutine inherits.
func TestIdleCoroutinesAreLimited(t *testing.T) {
	for want, opts := range map[int][]Option{
		idleCoroutines: nil,
		0:              {WithTrace(Trace{Enter: func(string) {}, Leave: func() {}})},
	} {
		r := manual(t, opts...)
		stay := r.Go(func(t *Task) { t.Sleep(1e12) })
		for range 2 * idleCoroutines {
			r.Go(func(t *Task) { t.Sleep(0) })
		}
		turnUntil(t, r, func() bool { return r.tasks.n == 1 })
		if len(r.idle) != want {
			t.Errorf("%d idle coroutines, want %d", len(r.idle), want)
		}
		stay.Cancel()
		turnUntil(t, r, func() bool { return r.tasks.n == 0 })
		if len(r.idle) != 0 {
			t.Errorf("%d idle coroutines without a task", len(r.idle))
		}
	}
}

// An idle coroutine keeps neither its last Task nor what that Task's function has captured.
func TestIdleCoroutineKeepsNoTask(t *testing.T) {
	r := manual(t)
	stay := r.Go(func(t *Task) { t.Sleep(1e12) })
	defer turnUntil(t, r, stay.Done)
	defer stay.Cancel()
	var gone weak.Pointer[[1 << 10]byte]
	start := func() weak.Pointer[Task] {
		captured := &[1 << 10]byte{}
		gone = weak.Make(captured)
		return weak.Make(r.Go(func(*Task) { captured[0] = 1 }))
	}
	task := start()
	turnUntil(t, r, func() bool { return len(r.idle) == 1 })
	for n := 0; (gone.Value() != nil || task.Value() != nil) && n < 10; n++ {
		runtime.GC()
	}
	if gone.Value() != nil || task.Value() != nil {
		t.Errorf("the task is kept: %v; what it has captured: %v", task.Value() != nil, gone.Value() != nil)
	}
	runtime.KeepAlive(r)
}

// After the last Task the loop's goroutine may change its lock state, although coroutines were idle
// before. The runtime would end the process if one of them were resumed.
func TestIdleCoroutinesAndLocks(t *testing.T) {
	ended := make(chan string)
	go func() {
		r := manual(t)
		for i := range 4 {
			ran := 0
			_ = r.Turn(0) // notices the new state, because no Task lives
			for range 3 {
				r.Go(func(t *Task) { t.Sleep(0); ran++ })
			}
			for n := 0; r.tasks.n > 0 && n < 100; n++ {
				_ = r.Turn(0)
			}
			if ran != 3 {
				ended <- fmt.Sprintf("round %d: %d of 3 tasks ran", i, ran)
				return
			}
			if i%2 == 0 {
				runtime.LockOSThread()
			} else {
				runtime.UnlockOSThread()
			}
		}
		ended <- ""
	}()
	if text := <-ended; text != "" {
		t.Error(text)
	}
}
