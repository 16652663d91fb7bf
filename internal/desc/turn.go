package desc

import "github.com/ureactor/ureactor/internal/kernel"

// A queued is one call that waits for its turn. The queue is a doubly linked list, so the cost of a
// caller does not grow with the number of callers. A queued is not a part of the Call, because the
// Call should stay on its caller's stack.
type queued struct {
	sleeper    Sleeper
	prev, next *queued
	in         bool // in the queue; false after passTurn has given the turn to this call
}

func (t *turnQueue) add(q *queued) {
	q.in = true
	if q.prev = t.last; t.last == nil {
		t.first = q
	} else {
		t.last.next = q
	}
	t.last = q
}

func (t *turnQueue) remove(q *queued) {
	q.in = false
	if q.prev == nil {
		t.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		t.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next = nil, nil
}

// sleepers appends the Sleepers of all calls in the queue.
func (t *turnQueue) sleepers(to []Sleeper) []Sleeper {
	for q := t.first; q != nil; q = q.next {
		to = append(to, q.sleeper)
	}
	return to
}

// enter takes a reference for the call. If the call may wait, enter also waits for the direction's
// turn.
func (d *Desc) enter(dir Dir, c *Call, waits bool) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if d.dated && d.dirExpired(dir, c) {
		d.unlock()
		return kernel.ETIMEDOUT
	}
	s := &d.dirs[dir]
	if waits {
		if s.busy {
			return d.queueUp(s, dir, c)
		}
		s.busy = true
		c.sleepFirst = c.tried || c.NeedsNew && s.drained && !s.ready && !d.endSeen && (d.registered || d.announces() && d.register(In, c) == 0)
		c.registered = d.reports(dir)
		s.drained = false
		// The flag is cleared before the try, so that an Event during the try is not lost.
		s.ready = s.ready && c.tried
	}
	d.ref(dir, c)
	d.unlock()
	return 0
}

// leave releases the reference and the turn that the call has got in enter.
func (d *Desc) leave(dir Dir, c *Call, waits bool) {
	d.lock()
	if waits {
		d.dirs[dir].waiting = nil // it is set if a panic has left the wait
		d.dirs[dir].drained = c.Drained
		if d.Transient && d.registered {
			d.suspend(c.KeepRegistered)
		}
		d.checkTurn(dir)
		d.passTurn(dir)
	}
	last := d.unref(dir, c)
	c.checkEnd()
	d.checkState()
	d.unlock()
	if last {
		d.finish()
	}
}

// leaveFast is leave for a call on the fast path.
func (d *Desc) leaveFast(dir Dir, c *Call) {
	s := &d.dirs[dir]
	s.waiting, s.drained = nil, c.Drained
	d.checkTurn(dir)
	d.passTurn(dir)
	if c.ref { // otherwise the Desc was closed while the call slept
		c.ref = false
		d.drop()
	}
	c.checkEnd()
	d.checkState()
}

// queueUp waits for the turn. The Desc is locked when queueUp is called, but not when it returns.
func (d *Desc) queueUp(s *dirState, dir Dir, c *Call) Errno {
	d.own(c)
	t := d.queue(dir)
	sleeper, e := d.Waiter.Sleeper()
	if e != 0 {
		d.unlock()
		return e
	}
	q := &queued{sleeper: sleeper}
	t.add(q)
	s.queued = true
	asleep := false
	defer func() {
		if asleep { // a panic has left Sleep, because the task is being unwound
			d.lock()
			d.stepOut(dir, q)
		}
	}()
	until := c.deadline(d.Kernel)
	for e == 0 && !d.closed {
		next := d.withDirDeadline(dir, c, until)
		d.unlock()
		asleep = true
		e = sleeper.Sleep(dir, next)
		asleep = false
		d.lock()
		if e == kernel.ETIMEDOUT && d.withDirDeadline(dir, c, until) > next {
			e = 0
		}
		if e == 0 && !d.closed && !q.in { // passTurn has given the turn to this call
			s.ready = false
			d.ref(dir, c)
			d.unlock()
			return 0
		}
	}
	if d.closed {
		e = kernel.EBADF
	}
	d.stepOut(dir, q)
	return e
}

// stepOut removes q from the queue. If q has already got the turn, stepOut passes the turn to the
// next call. The caller holds the lock of the Desc, and stepOut does not release it.
func (d *Desc) stepOut(dir Dir, q *queued) {
	if q.in {
		d.dequeue(dir, q)
	} else {
		d.passTurn(dir)
	}
	d.unlock()
}

// passTurn gives the turn to the first call in the queue. The Desc is locked.
func (d *Desc) passTurn(dir Dir) {
	if s := &d.dirs[dir]; s.queued {
		d.passTurnSlow(dir)
	} else {
		s.busy = false
	}
}

// passTurnSlow is a separate function, so that passTurn can be inlined.
func (d *Desc) passTurnSlow(dir Dir) {
	q := d.queues[dir].first
	d.dequeue(dir, q)
	q.sleeper.Wake()
}

// dequeue removes q from the queue. The Desc is locked.
func (d *Desc) dequeue(dir Dir, q *queued) {
	t := &d.queues[dir]
	t.remove(q)
	d.dirs[dir].queued = t.first != nil
}
