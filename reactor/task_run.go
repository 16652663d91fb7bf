package reactor

import (
	"iter"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// wait suspends the Task until awaken, the deadline (ETIMEDOUT), or cancellation (ECANCELED, then
// unwinding).
func (t *Task) wait(dir desc.Dir, until timeout.Deadline) kernel.Errno {
	r := t.r
	if e := t.interrupted(dir); e != 0 {
		return e
	}
	if t.wakePending {
		t.wakePending = false
		return 0
	}
	if until != timeout.Never {
		if until.Passed(r.k.Now()) {
			return kernel.ETIMEDOUT
		}
		if t.timer == nil {
			t.timer = &timerq.Timer{F: t.timerFired}
		}
		r.timers.Arm(t.timer, until)
	}
	t.waitDir = dir
	t.state = asleep
	t.suspend()
	return t.wakeErrno
}

// yieldTurn lets the others run. ECANCELED as in wait.
func (t *Task) yieldTurn(dir desc.Dir) kernel.Errno {
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
	asked, told := cancelAsked, cancelReported
	if t.cancel&cancelAsked == 0 {
		if t.cancel == 0 || dir == desc.Out {
			return 0
		}
		asked, told = drainAsked, drainReported
	}
	if t.cancel&told != 0 {
		panic(unwindPanic{})
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

// stopTimer stops the timer.
func (t *Task) stopTimer() {
	if t.timer != nil {
		t.r.timers.Stop(t.timer)
	}
}

func (t *Task) timerFired() {
	t.r.loopWakes = true
	t.wakeWith(kernel.ETIMEDOUT)
	t.r.loopWakes = false
}

// wake is a word for the Task, or for its next wait.
func (t *Task) wake() {
	if t.state == asleep {
		t.wakeWith(0)
		return
	}
	t.wakePending = t.state != finished
}

// wakeWith ends the Task's sleep: at once if the loop itself wakes it, else, in a call of the
// user's, after the present step.
func (t *Task) wakeWith(why kernel.Errno) {
	t.stopTimer()
	t.wakeErrno = why
	t.state = runnable
	if t.r.loopWakes && t.r.running == nil {
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
		r.endStep()
	}
}

// resume runs the Task until it waits again or ends. The coroutine is made here, at the first
// resume, so that its thread's lock state is the loop's.
func (r *Reactor) resume(t *Task) {
	if t.next == nil {
		if r.driver == 0 {
			r.driver = r.probe.State()
		}
		t.next, _ = iter.Pull(t.main)
	}
	if r.watchdog != nil {
		r.stepWatched(t)
		return
	}
	r.step(t)
}

// stepWatched is step under the watchdog's eyes.
func (r *Reactor) stepWatched(t *Task) {
	if r.watchdog.enter(-1) {
		defer r.watchdog.leave()
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
	t.checkState()
}

// over ends a Task whose coroutine has.
func (r *Reactor) over(t *Task) {
	if t.goexited {
		t.reap()
	}
	r.reap(t)
	r.goexiting = false
	if t.result != nil && t.result.crash != nil {
		panic(t.result.crash)
	}
}

// exited takes the place of runtime.Goexit on the way out of a coroutine, where Goexit would go on
// in its resumer.
type exited struct{}

// leave is the end of a coroutine in Goexit. The loop goes on, and then has it end in reap.
func (t *Task) leave() {
	t.goexited = true
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
		if t.ensureResult().crash = c; c == nil {
			t.result.err = panicErrorOf(nil)
			t.leave()
		}
	}()
	t.ensureResult().err = t.r.taskError(v)
	told = true
}

// wakeJoiners has those who join go on: a turn's share of them at once, the rest as tasks that can
// run.
func (j *taskResult) wakeJoiners() {
	var next *joiner
	for w, n := j.first, 0; w != nil; w, n = next, n+1 {
		next = w.next // before w leaves the list
		if t := w.t; n < joinsPerTurn || t.state != asleep {
			t.wake()
		} else {
			t.stopTimer()
			t.wakeErrno, t.state = 0, runnable
			t.r.runnable.add(t)
		}
	}
}

// reap ends a Task that has returned: those who join it go on.
func (r *Reactor) reap(t *Task) {
	t.state = finished
	t.next, t.yield = nil, nil
	if desc.Poisons {
		r.buf.Spoil()
	}
	t.stopTimer()
	t.endContext()
	r.tasks.remove(t)
	r.count.TasksEnded++
	if t.result == nil {
		return
	}
	if p, ok := t.result.err.(*PanicError); ok && !r.goexiting {
		defer r.reportPanic(nil, p, "panic in a task") // last, for it may not return
	}
	t.result.wakeJoiners()
}
