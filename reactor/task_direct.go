package reactor

import "github.com/ureactor/ureactor/internal/desc"

// A Task that is about to sleep switches directly to the Task that runs next, and so does a Task
// that yields or ends. So a message costs one switch. Through the loop it would cost two: one to
// the loop and one from it. The order of the Tasks is the same.

// following takes the next Event from the batch, if the Event only resumes a Task, or the next Task
// from the list runnable. It returns the Task, which now runs. It returns nil if the loop must go
// on, because it has to do more than resume a Task. The Task that has run before sleeps, is
// runnable, or has ended. If it sleeps, following may return that Task.
func (r *Reactor) following() *Task {
	if !r.direct || r.flushPending.len()+r.closedCalls.len() > 0 {
		return nil
	}
	if r.next >= r.batch {
		return r.followingRunnable()
	}
	ev := &r.events[r.next]
	w, ok := r.table.Get(ev.FD, ev.Gen)
	if !ok || !w.waits {
		return nil
	}
	d := (*desc.Desc)(w.sink.(*descSink))
	s, ok := d.Waiting().(*taskSleeper)
	if !ok || s.state != asleep || !d.TakeInput(ev.Ready) {
		return nil
	}
	r.next++
	r.often.events++
	if r.far {
		r.ahead.advance(r)
	}
	t := (*Task)(s)
	t.stopTimer()
	t.wakeErrno = 0
	if r.times.on {
		r.slow.last = t
	}
	r.runs(t)
	return t
}

// followingRunnable takes the next Task that runTasks would resume. It returns nil if that Task
// needs a new coroutine: making one would let the caller's stack grow.
func (r *Reactor) followingRunnable() *Task {
	if r.toRun == 0 || r.runnable.first().t.home == nil && len(r.idle) == 0 {
		return nil
	}
	t := r.takeNext()
	if t.home == nil {
		r.begin(t)
	}
	r.runs(t)
	return t
}

func (r *Reactor) runs(t *Task) {
	t.state = running
	r.running = t
	t.checkState()
}

// ended ends a Task that has returned, if that is so simple that the stack of the coroutine does
// not grow. Otherwise the loop ends the Task. ended returns the seat of the goroutine that
// continues. If another Task began in the same coroutine, the seat has no meaning.
func (r *Reactor) ended(t *Task) *coroutine {
	if t.result == nil && t.ctx == nil {
		r.reap(t)
		if next := r.following(); next != nil {
			return next.seat
		}
	}
	return r.seat
}

// mayDirect returns whether the Task that the loop resumes now may switch directly to others. If
// each step is observed, or if something else waits for the step's end, it may not.
func (r *Reactor) mayDirect() bool {
	return len(r.woken) == 1 && r.watchdog == nil && r.trace.all.Enter == nil && r.slow.timed == 0
}
