package reactor

import (
	"iter"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// wait suspends the Task until awaken, the deadline (ETIMEDOUT), or cancellation (ECANCELED, then unwinding).
func (t *Task) wait(dir desc.Dir, until timeout.Deadline) kernel.Errno {
	r := t.r
	if e := t.interrupted(dir); e != 0 {
		return e
	}
	if t.woken {
		t.woken = false
		return 0
	}
	if until != timeout.Never {
		if until.Passed(r.k.Now()) {
			return kernel.ETIMEDOUT
		}
		if t.timer == nil {
			t.timer = &timerq.Timer{F: t.expired}
		}
		r.timers.Arm(t.timer, until)
	}
	t.dir = dir
	t.state = asleep
	t.suspend()
	return t.why
}

// rest lets the others run. ECANCELED as in wait.
func (t *Task) rest(dir desc.Dir) kernel.Errno {
	if e := t.interrupted(dir); e != 0 {
		return e
	}
	t.r.runnable.add(t)
	t.state = runnable
	t.suspend()
	return 0
}

// interrupted tells a cancelled Task so once, and unwinds it when it has been told.
func (t *Task) interrupted(dir desc.Dir) kernel.Errno {
	asked, told := cancelAsked, cancelTold
	if t.cancel&cancelAsked == 0 {
		if t.cancel == 0 || dir == desc.Out {
			return 0
		}
		asked, told = drainAsked, drainTold
	}
	if t.cancel&told != 0 {
		panic(unwinding{})
	}
	if t.cancel&asked == 0 {
		return 0
	}
	t.cancel |= told
	return kernel.ECANCELED
}

// suspend is the switch to the loop. It returns when the loop resumes the Task.
func (t *Task) suspend() {
	if desc.Poisons {
		t.r.buf.Spoil()
	}
	t.yield(struct{}{})
	t.state = running
}

// calm stops the timer.
func (t *Task) calm() {
	if t.timer != nil {
		t.r.timers.Stop(t.timer)
	}
}

func (t *Task) expired() {
	t.r.direct = true
	t.wake(kernel.ETIMEDOUT)
	t.r.direct = false
}

// awaken is a word for the Task, or for its next wait.
func (t *Task) awaken() {
	if t.state == asleep {
		t.wake(0)
		return
	}
	t.woken = t.state != finished
}

// wake ends the Task's sleep: at once if the loop itself wakes it, else, in a call of the user's, after the present step.
func (t *Task) wake(why kernel.Errno) {
	t.calm()
	t.why = why
	t.state = runnable
	if t.r.direct && t.r.running == nil {
		t.r.resume(t)
		return
	}
	t.r.runnable.add(t)
}

// runTasks resumes the first n of those who can run.
func (r *Reactor) runTasks(n int) {
	for range n {
		t := r.runnable.take()
		r.resume(t)
		r.settle()
	}
}

// resume runs the Task until it waits again or ends. The coroutine is made here, at the first resume, so that its
// thread's lock state is the loop's.
func (r *Reactor) resume(t *Task) {
	if t.next == nil {
		t.next, _ = iter.Pull(t.main)
	}
	if r.dog != nil {
		r.watched(t)
		return
	}
	r.step(t)
}

// watched is step under the watchdog's eyes.
func (r *Reactor) watched(t *Task) {
	if r.dog.enter(-1) {
		defer r.dog.leave()
	}
	r.step(t)
}

// step switches to the Task and back. It is in the cost of every message, so it has no deferred
// function: what the Task panicked with ends in its coroutine.
func (r *Reactor) step(t *Task) {
	t.state = running
	r.running = t
	t.next()
	r.running = nil
	if t.state == running { // else it waits
		r.over(t)
	}
}

// over ends a Task whose coroutine has.
func (r *Reactor) over(t *Task) {
	if t.exited {
		t.reap()
	}
	r.bury(t)
	r.exiting = false
	if t.join != nil && t.join.crash != nil {
		panic(t.join.crash)
	}
}

// exited takes the place of runtime.Goexit on the way out of a coroutine, where Goexit would go on in its resumer.
type exited struct{}

// leave is the end of a coroutine in Goexit. The loop goes on, and then has it end in reap.
func (t *Task) leave() {
	t.exited = true
	t.yield(struct{}{})
	panic(exited{})
}

func (t *Task) reap() {
	defer func() { recover() }()
	t.next()
}

// main is the coroutine.
func (t *Task) main(yield func(struct{}) bool) {
	t.yield = yield
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		t.fell(v)
		if v == nil {
			t.leave()
		}
	}()
	f := t.f
	t.f = nil // what it captured is its own from here
	f(t)
	returned = true
}

// fell keeps why the Task ended without returning. It runs code of the user's: the logger.
func (t *Task) fell(v any) {
	told := false
	defer func() {
		if told {
			return
		}
		c := recover()
		if t.joint().crash = c; c == nil {
			t.join.err = unwound(nil)
			t.leave()
		}
	}()
	t.joint().err = t.r.fate(v)
	told = true
}

// wake has those who join go on: a turn's share of them at once, the rest as tasks that can run.
func (j *joint) wake() {
	var next *joiner
	for w, n := j.first, 0; w != nil; w, n = next, n+1 {
		next = w.next // before w leaves the list
		if t := w.t; n < joinsPerTurn || t.state != asleep {
			t.awaken()
		} else {
			t.calm()
			t.why, t.state = 0, runnable
			t.r.runnable.add(t)
		}
	}
}

// bury ends a Task that has returned: those who join it go on.
func (r *Reactor) bury(t *Task) {
	t.state = finished
	t.next, t.yield = nil, nil
	if desc.Poisons {
		r.buf.Spoil()
	}
	t.calm()
	t.ended()
	r.tasks.remove(t)
	r.count.TasksEnded++
	if t.join == nil {
		return
	}
	if p, ok := t.join.err.(*PanicError); ok && !r.exiting {
		defer r.tell(nil, p, "panic in a task") // last, for it may not return
	}
	t.join.wake()
}
