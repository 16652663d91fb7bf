//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// runTask makes a reactor and runs f in a task. When f returns, the reactor drains. runTask returns
// the result of the reactor.
func runTask(t *lab, f func(t *Task), opts ...Option) (*Reactor, error) {
	t.Helper()
	r := t.reactor(opts...)
	r.Go(func(task *Task) {
		defer r.Close()
		f(task)
	})
	return r, r.Run(context.Background())
}

// Three tasks record when they run. Another task runs only while a task waits. Runnable tasks run
// in the order in which they became runnable.
func TestTasksTakeTurnsAtWaitsOnly(t *testing.T) {
	twice(t, func(t *lab) {
		var got []string
		_, err := runTask(t, func(task *Task) {
			var all []*Task
			for _, name := range []string{"a", "b", "c"} {
				all = append(all, task.Go(func(u *Task) {
					got = append(got, name+"1")
					runtime.Gosched()
					got = append(got, name+"2")
					u.Sleep(0)
					got = append(got, name+"3")
				}))
			}
			for _, u := range all {
				task.Join(u)
			}
		})
		if want := "a1 a2 b1 b2 c1 c2 a3 b3 c3"; err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %v, %v; want %s", got, err, want)
		}
	})
}

// 50 tasks sleep 2,000 times, for up to 2 ms each. By the kernel's clock, no sleep is too short.
func TestTaskSleepIsNeverEarly(t *testing.T) {
	twice(t, func(t *lab) {
		early := 0
		_, err := runTask(t, func(task *Task) {
			r := task.Reactor()
			var all []*Task
			for i := range 50 {
				all = append(all, task.Go(func(u *Task) {
					for j := range 40 {
						d := time.Duration((i*40+j)%2000) * time.Microsecond
						from := r.Now()
						if err := u.Sleep(d); err != nil {
							t.Error(err)
						}
						if time.Duration(r.Now()-from) < d {
							early++
						}
					}
				}))
			}
			for _, u := range all {
				task.Join(u)
			}
		})
		if early > 0 || err != nil {
			t.Errorf("%d early, %v", early, err)
		}
	})
}

// A task sets a result. Join returns it to a task that joins before the end, and to one that joins
// later.
func TestJoinGivesTheResultBeforeAndAfterTheEnd(t *testing.T) {
	twice(t, func(t *lab) {
		runTask(t, func(task *Task) {
			u := task.Go(func(u *Task) {
				u.Sleep(time.Millisecond)
				u.SetResult(42)
			})
			for range 2 {
				if v, err := task.Join(u); v != 42 || err != nil {
					t.Errorf("got %v, %v", v, err)
				}
			}
			if !u.Done() {
				t.Error("joined, but not done")
			}
			if _, err := task.Join(task); !errors.Is(err, syscall.EDEADLK) {
				t.Errorf("a task that joins itself: %v, want EDEADLK", err)
			}
		})
	})
}

// While Await runs its function on another goroutine, the loop continues with another task. (A
// simulated kernel has no other goroutine.)
func TestAwaitLetsTheLoopGoOn(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) {
		runTask(t, func(task *Task) {
			release := make(chan bool)
			u := task.Go(func(u *Task) {
				u.Sleep(time.Millisecond)
				close(release)
			})
			if err := task.Await(func() { <-release }); err != nil {
				t.Error(err)
			}
			task.Join(u)
		})
	})
}

// A task panics, or the function of Await panics. The panic handler gets a stack with the name of
// the function. Join returns the panic as an error.
func TestTaskPanicReachesTheHandlerWithItsStack(t *testing.T) {
	twice(t, func(t *lab) {
		var values []any
		var stacks string
		handler := WithPanicHandler(func(c *Conn, v any, stack []byte) {
			values = append(values, v)
			stacks += string(stack)
		})
		runTask(t, func(task *Task) {
			for _, f := range []func(u *Task){
				func(u *Task) { explode("one") },
				func(u *Task) { u.Await(func() { explode("two") }) },
			} {
				var p *PanicError
				if _, err := task.Join(task.Go(f)); !errors.As(err, &p) {
					t.Errorf("joined with %v, want a PanicError", err)
				}
			}
		}, handler)
		if len(values) != 2 || values[0] != "one" || values[1] != "two" || strings.Count(stacks, "explode") < 2 {
			t.Errorf("got %v with stacks\n%s", values, stacks)
		}
	})
}

func explode(v any) { panic(v) }

// Without a panic handler, a panic or a Goexit in a task becomes a panic of Run, with the stack of
// the task.
func TestTaskPanicAndGoexitCrashWithTheTasksStack(t *testing.T) {
	for name, f := range map[string]func(*Task){
		"explode": func(*Task) { explode("boom") },
		"Goexit":  func(*Task) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := New()
			if err != nil {
				t.Fatal(err)
			}
			r.Go(f)
			crashed := make(chan any)
			go func() {
				defer func() { crashed <- recover() }()
				r.Run(context.Background())
			}()
			v := <-crashed
			text, _ := v.(string)
			if err, ok := v.(error); ok {
				text = err.Error()
			}
			if !strings.Contains(text, name) || !strings.Contains(text, "task_test.go") {
				t.Errorf("crashed with %v", v)
			}
		})
	}
}

// Sleep, Await and Join in a callback are misuse. They panic with a message that says so.
func TestTaskMethodsOutsideTheTaskPanic(t *testing.T) {
	twice(t, func(t *lab) {
		runTask(t, func(task *Task) {
			u := task.Go(func(u *Task) { u.Sleep(time.Millisecond) })
			for name, f := range map[string]func(){
				"Sleep": func() { u.Sleep(0) },
				"Await": func() { u.Await(func() {}) },
				"Join":  func() { u.Join(task) },
			} {
				func() {
					defer func() {
						if s, _ := recover().(string); !strings.Contains(s, name) {
							t.Errorf("%s: panic %q", name, s)
						}
					}()
					f()
				}()
			}
			task.Join(u)
		})
	})
}

// A call that would have to wait returns EDEADLK in a callback. In a task it waits.
func TestWaitInACallbackIsEDEADLK(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		r.After(0, func() {
			if s, e := (*taskWaiter)(r).Sleeper(); e != kernel.EDEADLK || s != nil {
				t.Errorf("in a callback: %v, %v", s, e)
			}
			r.Close()
		})
		r.Go(func(task *Task) {
			if _, e := (*taskWaiter)(r).Sleeper(); e != 0 {
				t.Errorf("in a task: %v", e)
			}
		})
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// 10,000 tasks sleep at the same time, and all end.
func TestTenThousandTasks(t *testing.T) {
	if !longtest.Default(t, "10,000 tasks") {
		return
	}
	twice(t, func(t *lab) {
		n := 0
		r, err := runTask(t, func(task *Task) {
			var all []*Task
			for range 10_000 {
				all = append(all, task.Go(func(u *Task) {
					u.Sleep(time.Millisecond)
					n++
				}))
			}
			for _, u := range all {
				task.Join(u)
			}
		})
		if err != nil || n != 10_000 || r.Stats().Tasks != 0 {
			t.Errorf("%d ended, %d left, %v", n, r.Stats().Tasks, err)
		}
	})
}
