package desc

import (
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
)

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
		c.sleep = c.More && s.empty && !s.word && !d.ends && d.registered
		s.empty = false
		s.word = false // before the call, never after: a word that arrives during the call must survive it
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
	l.queue = append(l.queue, sleeper)
	asleep := false
	defer func() {
		if asleep { // a panic: the task is being unwound
			d.lock()
			d.stepOut(dir, sleeper)
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
		if e == 0 && !d.closed && !slices.Contains(l.queue, sleeper) { // pass has given it the turn
			s.word = false
			d.ref(dir, c)
			d.unlock()
			return 0
		}
	}
	if d.closed {
		e = kernel.EBADF
	}
	d.stepOut(dir, sleeper)
	return e
}

// stepOut leaves the queue, and passes the turn on if that has come meanwhile; locked on entry, not on return.
func (d *Desc) stepOut(dir Dir, sleeper Sleeper) {
	l := &d.lines[dir]
	if i := slices.Index(l.queue, sleeper); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	} else {
		d.pass(dir)
	}
	d.unlock()
}

// pass gives the turn to the next in the queue.
func (d *Desc) pass(dir Dir) {
	if d.lines == nil || len(d.lines[dir].queue) == 0 {
		d.sides[dir].busy = false
		return
	}
	l := &d.lines[dir]
	next := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	next.Wake()
}
