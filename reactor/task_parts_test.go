//go:build unix

package reactor

import (
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A wake that comes before or during Sleep does not end it.
func TestSleepOutlastsAWake(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		slept := time.Duration(-1)
		task := r.Go(func(task *Task) {
			began := r.Now()
			task.wake()
			_ = task.Sleep(time.Second)
			slept = time.Duration(r.Now() - began)
		})
		r.After(time.Millisecond, task.wake)
		t.until(func() bool { return slept >= 0 })
		if slept < time.Second {
			t.Errorf("slept for %v", slept)
		}
	})
}

// While the loop drains, a Task may still wait for output, and for Await.
func TestDrainLetsATaskWaitForOutput(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var input error
		output := []error{ErrClosed, ErrClosed}
		task := r.Go(func(task *Task) {
			r.Close()
			input = task.Sleep(time.Hour)
			for i := range output {
				output[i] = task.Await(func() {})
			}
		})
		t.until(func() bool { return task.Done() })
		if input != kernel.ECANCELED || output[0] != nil || output[1] != nil {
			t.Errorf("waits for input: %v; for output: %v", input, output)
		}
		t.until(func() bool { return t.over })
	})
}

// Unwind panics only if a wait in its direction has reported the cancellation.
func TestUnwindOnlyAfterAReport(t *testing.T) {
	const drained, cancelled = drainAsked | drainReported, cancelAsked | cancelReported
	for cancel, want := range map[cancelState][2]bool{ // for input and output
		0: {}, drainAsked: {}, drained: {true, false}, cancelAsked: {}, cancelled: {true, true},
		drained | cancelAsked: {}, drainAsked | cancelled: {true, true},
	} {
		for dir, want := range map[desc.Dir]bool{desc.In: want[0], desc.Out: want[1]} {
			unwound := false
			func() {
				defer func() { _, unwound = recover().(unwindPanic) }()
				(*taskSleeper)(&Task{cancel: cancel}).Unwind(dir)
			}()
			if unwound != want {
				t.Errorf("cancel %04b, direction %v: unwound %v", cancel, dir, unwound)
			}
		}
	}
}

type keeper struct{ saved int }

func (k *keeper) Save() { k.saved++ }

// A Task that waits in any way keeps the input that is still in the loop's buffer.
func TestWaitsKeepTheInput(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		for what, wait := range map[string]func(task *Task){
			"Sleep(0)": func(task *Task) { _ = task.Sleep(0) }, "Sleep": func(task *Task) { _ = task.Sleep(1) },
			"end": func(*Task) {}, "Join": func(task *Task) { _, _ = task.Join(r.Go(func(*Task) {})) },
		} {
			k, during := &keeper{}, 0
			task := r.Go(func(task *Task) { r.buf.Keeper = k; wait(task); during = k.saved })
			t.until(func() bool { return task.Done() })
			if k.saved != 1 || r.buf.Keeper != nil || during == 0 && what != "end" {
				t.Errorf("%s: saved %d times, %d of these by the wait", what, k.saved, during)
			}
		}
	})
}

// A Task that user code wakes runs after the callback, even if a timer has just resumed another
// Task. A wake disarms the timer of the wait.
func TestWokenTaskRunsAfterTheCallback(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		ran := false
		r.Go(func(task *Task) { _ = task.Sleep(time.Millisecond) })
		woken := r.Go(func(task *Task) {
			task.wait(desc.In, timeout.Timeout(time.Hour).After(r.Now()))
			if ran = true; task.timer.Armed() {
				t.Error("the timer of the wait is still armed")
			}
		})
		r.After(time.Millisecond, func() {
			t.spend(time.Millisecond)
			r.After(0, func() { // in a turn with the Sleep, or after it
				woken.wake()
				if ran {
					t.Error("the Task runs inside a callback")
				}
			})
		})
		t.until(func() bool { return woken.Done() })
		if n := r.timers.Len(); n != 0 {
			t.Errorf("%d timers are armed", n)
		}
	})
}

// Each runtime.Goexit is reported once, even if it leaves a guard inside a Task.
func TestEachGoexitOfATaskIsReported(t *testing.T) {
	simulated(t, func(t *lab) {
		told := 0
		r := t.reactor(WithPanicHandler(func(_ *Conn, v any, _ []byte) {
			if told++; v != ErrGoexit {
				t.Error(v)
			}
		}))
		for i := range 3 {
			task := r.Go(func(*Task) { r.guard(nil, runtime.Goexit) })
			t.until(func() bool { return task.Done() })
			if told != i+1 {
				t.Errorf("%d reports of %d", told, i+1)
			}
		}
	})
}

// If a panic has left Run on a locked goroutine, abandonTasks ends all Tasks that have begun.
func TestAbandonedTasksEnd(t *testing.T) {
	r := manual(t)
	var tasks []*Task
	for range 4 {
		task := r.Go(func(*Task) {})
		task.home = &coroutine{next: func() (struct{}, bool) { t.Error("the Task is resumed"); return struct{}{}, false }}
		task.seat = task.home
		tasks = append(tasks, task)
	}
	tasks[1].home, tasks[1].seat = nil, nil // has not begun
	r.abandonTasks()
	for i, task := range tasks {
		if task.Done() != (i != 1) {
			t.Errorf("Task %d: done %v", i, task.Done())
		}
	}
	if r.tasks.n != 1 || r.runnable.len() != 1 {
		t.Errorf("%d Tasks, %d of them runnable", r.tasks.n, r.runnable.len())
	}
}

// Post of a Task's Waiter returns false only after the loop has ended.
func TestWaiterPostsUntilTheEnd(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	w := inside.Waiter(r)
	if !w.Post(func() { ran++ }) {
		t.Error("Post before the end")
	}
	for r.Close(); r.Turn(0) != ErrClosed; {
	}
	if w.Post(func() { ran++ }) || ran != 1 {
		t.Errorf("Post after the end; %d calls", ran)
	}
}
