package desc

import "github.com/ureactor/ureactor/internal/kernel"

// A queued is one caller who waits for a turn. Its line is a list that is linked both ways, so that
// 10,000 callers of one Desc cost each of them no more than two do. It is no part of the Call,
// which stays on its caller's stack.
type queued struct {
	sleeper    Sleeper
	prev, next *queued
	in         bool // the line; else pass has given it the turn
}

func (l *turnQueue) add(q *queued) {
	q.in = true
	if q.prev = l.last; l.last == nil {
		l.first = q
	} else {
		l.last.next = q
	}
	l.last = q
}

func (l *turnQueue) remove(q *queued) {
	q.in = false
	if q.prev == nil {
		l.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		l.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next = nil, nil
}

// sleepers appends those who wait in the line.
func (l *turnQueue) sleepers(to []Sleeper) []Sleeper {
	for q := l.first; q != nil; q = q.next {
		to = append(to, q.sleeper)
	}
	return to
}

// enter takes a reference and, for a call that may wait, the direction's turn.
func (d *Desc) enter(dir Dir, c *Call, waits bool) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if d.queues != nil && d.dirExpired(dir, c) {
		d.unlock()
		return kernel.ETIMEDOUT
	}
	s := &d.dirs[dir]
	if waits {
		if s.busy {
			return d.queueUp(s, dir, c)
		}
		s.busy = true
		c.registered = d.registered
		c.sleepFirst = c.tried || c.NeedsNew && s.drained && !s.ready && !d.endSeen && d.registered
		s.drained = false
		s.ready = s.ready && c.tried // before the call, never after: a word that arrives during the call must survive it
	}
	d.ref(dir, c)
	d.unlock()
	return 0
}

func (d *Desc) leave(dir Dir, c *Call, waits bool) {
	d.lock()
	if waits {
		d.dirs[dir].waiting = nil // after a panic it is still there
		d.dirs[dir].drained = c.Drained
		if d.Transient && d.registered {
			d.suspend(c.KeepRegistered)
		}
		d.passTurn(dir)
	}
	last := d.unref(dir, c)
	d.unlock()
	if last {
		d.finish()
	}
}

// release lets go of the number for a while in which the caller does something else; resume takes
// it back, unless it has been closed: EBADF.
func (d *Desc) release(dir Dir, c *Call) {
	d.lock()
	last := d.unref(dir, c)
	d.unlock()
	if last {
		d.finish()
	}
}

func (d *Desc) reacquire(dir Dir, c *Call) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	d.ref(dir, c)
	return 0
}

// queueUp waits for the turn; locked on entry, not on return.
func (d *Desc) queueUp(s *dirState, dir Dir, c *Call) Errno {
	d.own(c)
	l := d.line(dir)
	sleeper, e := d.Waiter.Sleeper()
	if e != 0 {
		d.unlock()
		return e
	}
	q := &queued{sleeper: sleeper}
	l.add(q)
	asleep := false
	defer func() {
		if asleep { // a panic: the task is being unwound
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
		if e == 0 && !d.closed && !q.in { // pass has given it the turn
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

// stepOut leaves the line, and passes the turn on if that has come meanwhile; locked on entry, not
// on return.
func (d *Desc) stepOut(dir Dir, q *queued) {
	if q.in {
		d.queues[dir].remove(q)
	} else {
		d.passTurn(dir)
	}
	d.unlock()
}

// passTurn gives the turn to the first in the line.
func (d *Desc) passTurn(dir Dir) {
	if d.queues == nil || d.queues[dir].first == nil {
		d.dirs[dir].busy = false
		return
	}
	l := &d.queues[dir]
	q := l.first
	l.remove(q)
	q.sleeper.Wake()
}
