package reactor

import (
	"iter"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/prefetch"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// wait suspends the Task until a wake, the deadline (ETIMEDOUT) or a cancellation (ECANCELED; the
// next wait unwinds the Task).
func (t *Task) wait(dir desc.Dir, until timeout.Deadline) kernel.Errno {
	return (*taskSleeper)(t).Sleep(dir, until)
}

// waitFor is wait for a reason other than an Event of a descriptor.
func (t *Task) waitFor(what inside.Reason, dir desc.Dir, until timeout.Deadline) kernel.Errno {
	t.waitsFor = what
	e := t.wait(dir, until)
	t.waitsFor = inside.Event
	return e
}

// yieldTurn yields to the other Tasks and the Events. It returns ECANCELED as wait does.
func (t *Task) yieldTurn(dir desc.Dir) kernel.Errno {
	if e := t.interrupted(dir); e != 0 {
		return e
	}
	t.r.addRunnable(t)
	t.state = runnable
	t.suspend()
	return 0
}

// interrupted returns ECANCELED once for each kind of cancellation. After that it unwinds the Task.
func (t *Task) interrupted(dir desc.Dir) kernel.Errno {
	asked, reported := t.cancellation(dir)
	if t.cancel&reported != 0 {
		panic(unwindPanic{})
	}
	if t.cancel&asked == 0 {
		return 0
	}
	t.cancel |= reported
	return kernel.ECANCELED
}

// cancellation returns the flags of the cancellation that a wait in this direction can report, 0 if
// there is none.
func (t *Task) cancellation(dir desc.Dir) (asked, reported cancelState) {
	switch {
	case t.cancel&cancelAsked != 0:
		return cancelAsked, cancelReported
	case t.cancel == 0 || dir == desc.Out:
		return 0, 0
	}
	return drainAsked, drainReported
}

func (t *Task) mustUnwind(dir desc.Dir) bool {
	_, reported := t.cancellation(dir)
	return t.cancel&reported != 0
}

// armTimer makes the loop wake the Task at the deadline. It returns false if the deadline has
// passed.
func (t *Task) armTimer(until timeout.Deadline) bool {
	if until.Passed(t.r.k.Now()) {
		return false
	}
	if t.timer == nil {
		t.timer = &timerq.Timer{F: t.timerFired}
	}
	t.r.timers.Arm(t.timer, until)
	return true
}

// suspend switches to the loop. It returns when the loop resumes the Task.
func (t *Task) suspend() {
	t.r.buf.End()
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

// wake ends the Task's wait, or else its next one.
func (t *Task) wake() {
	if t.state == asleep {
		t.wakeWith(0)
		return
	}
	t.wakePending = t.state != finished
}

// wakeWith ends the Task's wait. A Task that the loop itself wakes runs at once. A Task that user
// code wakes runs after the present step.
func (t *Task) wakeWith(why kernel.Errno) {
	t.stopTimer()
	t.wakeErrno = why
	t.state = runnable
	if t.r.loopWakes && t.r.running == nil {
		t.r.resume(t)
		return
	}
	t.r.addRunnable(t)
}

// A wokenTask is a Task that can run, and the instant of its wake (0: not measured).
type wokenTask struct {
	t  *Task
	at timeout.Deadline
}

func (r *Reactor) addRunnable(t *Task) { r.runnable.add(wokenTask{t, r.stamp()}) }

// runTasks resumes the first n of the Tasks that can run.
func (r *Reactor) runTasks(n int) {
	r.readClock()
	for range n {
		w := r.runnable.take()
		r.noteWait(&r.times.wakes, w.at, w.t)
		r.resume(w.t)
		r.endStep()
		if r.slow.timed > 0 {
			r.timeCallback(w.t)
		}
	}
}

// resume runs the Task until it waits again or ends. The first resume makes the coroutine, so that
// it begins in the lock state of the loop's goroutine.
func (r *Reactor) resume(t *Task) {
	if r.guards {
		r.stepWatched(t)
		return
	}
	r.begin(t)
	r.step(t)
}

func (r *Reactor) begin(t *Task) {
	if t.next != nil {
		return
	}
	if r.driver == 0 {
		r.driver = r.probe.State()
	}
	t.next, _ = iter.Pull(t.main)
}

// stepWatched is step with the watchdog, and between Enter and Leave. The coroutine begins there
// too, because its goroutine inherits the labels for profiles.
func (r *Reactor) stepWatched(t *Task) {
	if r.watchdog != nil && r.watchdog.enter(-1) {
		defer r.watchdog.leave()
	}
	if r.enter(t) {
		defer r.leave()
	}
	r.begin(t)
	r.step(t)
}

// step switches to the Task and back. It is part of the cost of each message, so it has no deferred
// function. It needs none, because main recovers a panic of the Task inside the coroutine.
func (r *Reactor) step(t *Task) {
	t.state = running
	r.running = t
	t.next()
	r.running = nil
	if t.state == running { // otherwise it waits
		r.over(t)
	}
	t.checkState()
}

// `over` ends a Task whose coroutine has returned.
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

// exited replaces runtime.Goexit at the end of a coroutine. Goexit itself would continue in the
// goroutine that resumed the coroutine.
type exited struct{}

// leave ends a coroutine that is in Goexit. It switches to the loop, which then ends the Task by
// reap.
func (t *Task) leave() {
	t.goexited = true
	t.yield(struct{}{})
	panic(exited{})
}

func (t *Task) reap() {
	defer func() { recover() }()
	t.next()
}

// A loner is a Kernel that only one goroutine and its coroutines may use: a simulated one. It
// counts the coroutines and reads their stacks. So each coroutine reports its beginning and its
// end.
type loner interface {
	CoroutineBegins()
	CoroutineEnds()
	Owned(what string) // panics in any other goroutine, for calls that do not reach the Kernel
}

func (r *Reactor) owned(what string) {
	if r.lone != nil {
		r.lone.Owned(what)
	}
}

// main is the function of the coroutine.
func (t *Task) main(yield func(struct{}) bool) {
	t.yield = yield
	t.g = prefetch.Goroutine()
	if t.r.lone != nil {
		t.r.lone.CoroutineBegins()
	}
	returned := false
	defer func() {
		if t.r.lone != nil {
			t.r.lone.CoroutineEnds()
		}
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
	t.f = nil // the garbage collector can free what f has captured while f still runs
	t.call(f)
	returned = true
}

// call is a function of its own so that package stacks finds the Task's stack: t is an argument of
// this frame, and stays alive in it.
//
//go:noinline
func (t *Task) call(f func(*Task)) {
	f(t)
	runtime.KeepAlive(t)
}

// fell records the error of a Task that did not return. It calls user code, because it logs.
func (t *Task) fell(v any) {
	logged := false
	defer func() {
		if logged {
			return
		}
		c := recover()
		if t.ensureResult().crash = c; c == nil {
			t.result.err = panicErrorOf(nil)
			t.leave()
		}
	}()
	t.ensureResult().err = t.r.taskError(v)
	logged = true
}

// wakeJoiners wakes the Tasks that join: at most joinsPerTurn at once, the rest as runnable Tasks.
func (j *taskResult) wakeJoiners() {
	var next *joiner
	for w, n := j.first, 0; w != nil; w, n = next, n+1 {
		next = w.next // read before w leaves the list
		if t := w.t; n < joinsPerTurn || t.state != asleep {
			t.wake()
		} else {
			t.stopTimer()
			t.wakeErrno, t.state = 0, runnable
			t.r.addRunnable(t)
		}
	}
}

// reap ends a Task that has returned and wakes the Tasks that join it.
func (r *Reactor) reap(t *Task) {
	t.state = finished
	t.next, t.yield = nil, nil
	r.buf.End()
	t.stopTimer()
	t.endContext()
	r.tasks.remove(t)
	r.rare().TasksEnded++
	if t.result == nil {
		return
	}
	if p, ok := t.result.err.(*PanicError); ok && !r.goexiting {
		defer r.reportPanic(nil, p, "panic in a task") // this runs last, because it may not return
	}
	t.result.wakeJoiners()
}
