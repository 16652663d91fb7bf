package reactor

import (
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// turn sleeps until the earliest timer, an Event or a Post, and reads the clock. Then it delivers
// the Events that are not stale, and runs expired timers, posted functions and Tasks. Each of these
// calls is a step: at the end of a step the loop flushes output and calls Closed.
func (r *Reactor) turn(until timeout.Deadline) error {
	if r.stopped {
		return ErrClosed
	}
	if !r.turnBegun {
		until = until.Sooner(r.Next())
		n, err := r.poller.Wait(r.events, until)
		if r.measuring.Load() == 0 {
			r.awake.Store(unmeasured)
			if r.timers.Len() > 0 { // nothing else needs the time
				r.now = r.k.Now()
			}
		} else {
			r.measureBegin(until)
		}
		if err != nil {
			r.fail(err)
			return r.abortAll()
		}
		r.turnBegun = true
		r.batch, r.next = n, 0
		r.often.turns++
		r.budget = turnBudget
		if r.times.on {
			r.beginSlow()
		}
	}
	r.inTurn = true
	if r.packetBuffers != nil && r.packetBuffers.n > 0 {
		// These datagrams are left from a turn that did not return.
		r.deliver()
	}
	again := min(r.readPending.len(), readsPerTurn)
	// A single Event has no next one to prefetch.
	r.far, r.ahead = r.table.Len() >= prefetchFrom && r.batch-r.next > 1, lookahead{}
	for r.next < r.batch {
		ev := &r.events[r.next]
		r.next++
		if r.far {
			r.ahead.advance(r)
		}
		if w, ok := r.table.Get(ev.FD, ev.Gen); ok {
			r.often.events++
			r.dispatch(w, ev.Ready)
		}
	}
	if again > 0 {
		r.readPendingConns(again)
	}
	if r.timers.Len() > 0 {
		r.expire()
	}
	if r.dials.len() > 0 {
		r.startDials()
	}
	if r.queued.Load() > 0 || r.posting.len() > 0 {
		r.runPosted()
	}
	if n := min(r.runnable.len(), tasksPerTurn); n > 0 {
		r.runTasks(n)
	}
	if r.flushPending.len()+r.closedCalls.len() > 0 {
		r.endStep()
	}
	if r.drain.Load() || r.draining || r.abort.Load() {
		r.drainStep()
	}
	r.inTurn, r.turnBegun = false, false
	if r.measuring.Load() != 0 {
		r.measureEnd()
	}
	r.publish()
	r.awake.Store(0)
	return nil
}

// dispatch delivers one Event. That is one step.
func (r *Reactor) dispatch(w *Watch, ready poller.Readiness) {
	r.loopWakes = w.waits
	if r.guards && !w.waits { // a Desc wakes Tasks, and guards the functions that it calls
		r.guardReady(w, ready)
	} else {
		w.sink.ready(ready)
	}
	r.loopWakes = false
	var t *Task
	if n := len(r.woken); n > 0 {
		t = r.woken[n-1]
		if r.times.on {
			r.slow.last = t
		}
		r.resumeWoken(w.fd)
	}
	if r.flushPending.len()+r.closedCalls.len() > 0 {
		r.endStep()
	}
	if r.slow.timed > 0 && t != nil {
		r.timeCallback(t)
	} else if r.slow.timed > 0 {
		r.timeCallback(w)
	}
}

// expire calls the functions of timers that have expired. A timer that such a function arms waits
// for the next turn.
func (r *Reactor) expire() {
	mark, repairs := r.timers.Mark(), repairsPerTurn
	for n := range timersPerTurn {
		var ok bool
		if repairs, ok = r.timers.Settle(repairs); !ok {
			return
		}
		t := r.timers.Expire(r.now, mark)
		if t == nil {
			return
		}
		if n == 0 {
			r.readClock()
		}
		r.often.timers++
		r.noteWait(&r.times.lag, t.Until(), t.F)
		r.call(t.F)
	}
}

// call runs user code as one step.
func (r *Reactor) call(f func()) {
	r.guard(nil, f)
	r.endStep()
	if r.slow.timed > 0 {
		r.timeCallback(f)
	}
}

// endStep flushes the output of the step, and then calls Closed of the Conns that are closed. If
// such a Closed closes a second Conn, the second Conn's Closed is called at the end of the next
// step. So a Closed that keeps dialling a dead address cannot hold the turn. If the turn's budget
// is used up, the calls wait for a later turn.
func (r *Reactor) endStep() {
	r.flushAll()
	if n := min(r.closedCalls.len(), r.budget.closeds); n > 0 {
		r.budget.closeds -= n
		for range n {
			e := r.closedCalls.take()
			e.owner.callClosed(e.err)
		}
		r.flushAll()
	}
}

func (r *Reactor) flushAll() {
	for r.flushPending.len() > 0 {
		r.flushPending.take().flushStep()
	}
}
