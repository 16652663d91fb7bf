package desc

import "github.com/ureactor/ureactor/internal/kernel"

// A queued is one caller who waits for a turn. Its line is a list that is linked both ways, so that 10,000 callers of one
// Desc cost each of them no more than two do. It is no part of the Call, which stays on its caller's stack.
type queued struct {
	sleeper    Sleeper
	prev, next *queued
	in         bool // the line; else pass has given it the turn
}

func (l *line) add(q *queued) {
	q.in = true
	if q.prev = l.last; l.last == nil {
		l.first = q
	} else {
		l.last.next = q
	}
	l.last = q
}

func (l *line) remove(q *queued) {
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
func (l *line) sleepers(to []Sleeper) []Sleeper {
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
	if d.lines != nil && d.expired(dir, c) {
		d.unlock()
		return kernel.ETIMEDOUT
	}
	s := &d.sides[dir]
	if waits {
		if s.busy {
			return d.queueUp(s, dir, c)
		}
		s.busy = true
		c.heard = d.registered
		c.sleep = c.tried || c.More && s.empty && !s.word && !d.ends && d.registered
		s.empty = false
		s.word = s.word && c.tried // before the call, never after: a word that arrives during the call must survive it
	}
	d.ref(dir, c)
	d.unlock()
	return 0
}

func (d *Desc) leave(dir Dir, c *Call, waits bool) {
	d.lock()
	if waits {
		d.sides[dir].waiting = nil // after a panic it is still there
		d.sides[dir].empty = c.All
		if d.Transient && d.registered {
			d.rest(c.Stay)
		}
		d.pass(dir)
	}
	last := d.unref(dir, c)
	d.unlock()
	if last {
		d.finish()
	}
}

// pause lets go of the number for a while in which the caller does something else; resume takes it back, unless it has
// been closed: EBADF.
func (d *Desc) pause(dir Dir, c *Call) {
	d.lock()
	last := d.unref(dir, c)
	d.unlock()
	if last {
		d.finish()
	}
}

func (d *Desc) resume(dir Dir, c *Call) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	d.ref(dir, c)
	return 0
}

// queueUp waits for the turn; locked on entry, not on return.
func (d *Desc) queueUp(s *side, dir Dir, c *Call) Errno {
	l := d.line(dir)
	sleeper, e := d.W.Sleeper()
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
	until := c.deadline(d.K)
	for e == 0 && !d.closed {
		next := d.limited(dir, c, until)
		d.unlock()
		asleep = true
		e = sleeper.Sleep(dir, next)
		asleep = false
		d.lock()
		if e == kernel.ETIMEDOUT && d.limited(dir, c, until) > next {
			e = 0
		}
		if e == 0 && !d.closed && !q.in { // pass has given it the turn
			s.word = false
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

// stepOut leaves the line, and passes the turn on if that has come meanwhile; locked on entry, not on return.
func (d *Desc) stepOut(dir Dir, q *queued) {
	if q.in {
		d.lines[dir].remove(q)
	} else {
		d.pass(dir)
	}
	d.unlock()
}

// pass gives the turn to the first in the line.
func (d *Desc) pass(dir Dir) {
	if d.lines == nil || d.lines[dir].first == nil {
		d.sides[dir].busy = false
		return
	}
	l := &d.lines[dir]
	q := l.first
	l.remove(q)
	q.sleeper.Wake()
}
