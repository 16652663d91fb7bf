package reactor

import "github.com/ureactor/ureactor/internal/desc"

// A Task that is about to sleep switches directly to the Task that the next Event wakes. So a
// message costs one switch. Through the loop it would cost two: one to the loop and one from it.
// The order of the Tasks is the same.

// following takes the next Event from the batch, and returns the Task that the Event resumes. It
// returns nil if the loop must deliver the Event, because the loop has to do more than that. The
// Task that runs is asleep already. following may return that Task.
func (r *Reactor) following() *Task {
	if !r.direct || r.next >= r.batch || r.flushPending.len()+r.closedCalls.len() > 0 {
		return nil
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
	t.state = running
	r.running = t
	if r.times.on {
		r.slow.last = t
	}
	t.checkState()
	return t
}

// mayDirect returns whether the Task that the loop resumes now may switch directly to others. If
// each step is observed, or if something else waits for the step's end, it may not.
func (r *Reactor) mayDirect() bool {
	return len(r.woken) == 1 && r.watchdog == nil && r.trace.all.Enter == nil && r.slow.timed == 0
}
