package reactor

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// wait suspends the Task until a wake. It returns ETIMEDOUT at the deadline and ECANCELED after a
// cancellation. The next wait after ECANCELED unwinds the Task.
func (t *Task) wait(dir desc.Dir, until timeout.Deadline) kernel.Errno {
	return (*taskSleeper)(t).Sleep(dir, until)
}

// waitFor is like wait, for a reason that is not an Event.
func (t *Task) waitFor(what inside.Reason, dir desc.Dir, until timeout.Deadline) kernel.Errno {
	t.waitsFor = what
	e := t.wait(dir, until)
	t.waitsFor = inside.Event
	return e
}

// yieldTurn yields to other Tasks and to Events. It returns ECANCELED in the same cases as wait.
func (t *Task) yieldTurn(dir desc.Dir) kernel.Errno {
	if e := t.interrupted(dir); e != 0 {
		return e
	}
	t.r.addRunnable(t)
	t.state = runnable
	t.suspend()
	return 0
}

// interrupted returns ECANCELED once for each kind of cancellation. A second call unwinds the Task.
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

// cancellation returns the flags of the cancellation that a wait in this direction must report. If
// there is none, it returns 0.
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

// armTimer makes the loop wake the Task at the deadline. If the deadline has passed, it returns
// false.
func (t *Task) armTimer(until timeout.Deadline) bool {
	if until.Passed(t.r.k.Now()) {
		return false
	}
	if t.timer == nil {
		t.timer = &timerq.Timer{F: t.timerFired}
	}
	t.r.timers.Arm(t.timer, until)
	t.timed = true
	return true
}

// suspend switches to the next Task or to the loop. It returns when the Task is resumed.
func (t *Task) suspend() {
	t.r.buf.End()
	seat := t.r.seat
	if next := t.r.following(); next != nil {
		seat = next.seat
	}
	t.away(seat)
	t.state = running
}

// away suspends the Task in this seat, until the loop or another Task resumes it.
func (t *Task) away(seat *coroutine) {
	for {
		t.seat = seat
		seat.change()
		if t.r.running == t {
			return
		}
		seat = t.r.seat // a coroutine has ended, and the loop is meant
	}
}

func (t *Task) stopTimer() {
	if t.timed { // so a message does not touch a timer that is not armed
		t.timed = false
		t.r.timers.Stop(t.timer)
	}
}

func (t *Task) timerFired() {
	t.r.loopWakes = true
	t.wakeWith(kernel.ETIMEDOUT)
	t.r.loopWakes = false
	t.r.resumeWoken(-1)
}

// wake ends the present wait of the Task. If the Task does not wait, it ends the next wait.
func (t *Task) wake() {
	if t.state == asleep {
		t.wakeWith(0)
		return
	}
	t.wakePending = t.state != finished
}

// wakeWith ends the wait of the Task. If an Event or a timer wakes the Task, the Task runs in the
// same step. If user code wakes it, the Task runs after the present step.
func (t *Task) wakeWith(why kernel.Errno) {
	t.stopTimer()
	t.wakeErrno = why
	t.state = runnable
	if t.r.loopWakes && t.r.running == nil {
		t.r.woken = append(t.r.woken, t)
		return
	}
	t.r.addRunnable(t)
}

// resumeWoken runs each Task of the list woken until it waits or ends. fd is the descriptor of the
// Event that has woken them, or -1.
//
// The turn calls it directly, and not through the functions that deliver the Event. The processor
// predicts where a function returns to, and a switch of stacks makes all these predictions wrong.
// So few functions should be on the stack.
func (r *Reactor) resumeWoken(fd int32) {
	r.direct = r.mayDirect()
	for i, t := range r.woken {
		if r.guards {
			r.stepWatched(i, fd)
		} else {
			r.woken[i] = nil
			r.step(t)
		}
	}
	r.woken = r.woken[:0]
	r.direct = false
}

// stepWatched is step with the watchdog, and between Enter and Leave. The coroutine is made there
// too, because its goroutine inherits the labels for profiles. The Task leaves the list woken after
// Enter, which may not return.
func (r *Reactor) stepWatched(i int, fd int32) {
	t := r.woken[i]
	if r.watchdog != nil && r.watchdog.enter(fd) {
		defer r.watchdog.leave()
	}
	if r.enter(t) {
		defer r.leave()
	}
	r.woken[i] = nil
	r.step(t)
}

// step switches to the Task. Another Task may switch back: see following. step runs for each
// message, so it has no deferred function, which would cost time. main recovers a panic of the Task
// inside the coroutine.
func (r *Reactor) step(t *Task) {
	if t.home == nil {
		r.begin(t)
	}
	r.runs(t)
	r.seat = t.seat
	r.seat.change()
	last := r.running // t, or a Task to which t has switched directly
	r.running = nil
	if last.state == running { // otherwise the Task waits
		r.over(last)
	}
	last.checkState()
	r.checkSeats()
}

// over is called for a Task whose coroutine has returned or has left in Goexit.
func (r *Reactor) over(t *Task) {
	if t.goexited {
		t.reap()
	}
	r.reap(t)
	if t.result != nil && t.result.crash != nil {
		panic(t.result.crash)
	}
}

// exited is the panic that replaces runtime.Goexit at the end of a coroutine. Goexit itself would
// continue on the goroutine that has resumed the coroutine.
type exited struct{}

// leave ends a coroutine that is in Goexit. It switches to the loop, maybe through another Task.
// The loop ends the coroutine with reap.
func (t *Task) leave() {
	t.goexited = true
	t.seat = t.home // so that reap, and nobody else, gets the panic
	t.seat.change()
	t.r.coroutineEnds()
	panic(exited{})
}

func (t *Task) reap() {
	defer func() { recover() }()
	t.r.seat = t.seat
	t.seat.change()
}

// fell records the error of a Task that has not returned. It logs, so it may call user code.
func (t *Task) fell(v any) {
	logged := false
	defer func() {
		if logged {
			return
		}
		c := recover()
		if t.ensureResult().crash = c; c == nil {
			t.result.err = panicErrorOf(nil)
		}
	}()
	if _, ok := v.(*PanicError); ok { // from Await: this is not the Goexit that was reported
		t.reported = false
	}
	t.ensureResult().err = t.r.taskError(v)
	logged = true
}

// wakeJoiners wakes the Tasks that join: at most joinsPerTurn of them at once. The others become
// runnable.
func (j *taskResult) wakeJoiners() {
	var next *joiner
	for w, n := j.joiners.oldest, 0; w != nil; w, n = next, n+1 {
		next = w.neighbours.newer // read before w leaves the list
		if t := w.t; n < joinsPerTurn || t.state != asleep {
			t.wake()
		} else {
			t.stopTimer()
			t.wakeErrno, t.state = 0, runnable
			t.r.addRunnable(t)
		}
	}
}

// reap ends a Task that has returned, and wakes the Tasks that join it.
func (r *Reactor) reap(t *Task) {
	t.state = finished
	t.home, t.seat = nil, nil
	r.buf.End()
	t.stopTimer()
	t.endContext()
	r.tasks.remove(t)
	if r.tasks.n == 0 {
		r.endIdle()
	}
	r.rare().TasksEnded++
	if t.result == nil {
		return
	}
	if p, ok := t.result.err.(*PanicError); ok && p.isNew(t.reported) {
		defer r.reportPanic(nil, p, "panic in a task") // deferred to run last, because it may not return
	}
	t.result.wakeJoiners()
}
