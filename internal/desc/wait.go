package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// wait sleeps until a word for the direction has come, the deadline, or Close. It keeps little on
// the stack, as do all below: a task sleeps at this depth, and a few words more would double its
// stack (see TestIdleTaskStack in package socket).
func (d *Desc) wait(dir Dir, c *Call) Errno {
	s := &d.dirs[dir]
	c.deadline(d.Kernel)
	if c.step = timeout.Never; c.Step > 0 {
		c.step = c.Step.After(d.Kernel.Now())
	}
	d.lock()
	// Linux's recv says EAGAIN before TCP's urgent byte also with data behind it, if the thread has
	// a signal to take; the runtime sends many. No Event would come, so after one that has told of
	// such a byte EAGAIN counts the second time.
	if c.retried = d.endSeen && dir == In && !c.retried; c.retried {
		d.unlock()
		return 0
	}
	sleeper, e := d.sleeper(dir)
	if e != 0 {
		d.unlock()
		return e
	}
	for e == 0 && !s.ready && !d.closed {
		*d.spent(dir) = 0
		s.waiting = sleeper
		next := d.next(dir, c)
		d.unref(dir, c)
		d.unlock()
		e = sleeper.Sleep(dir, next)
		d.lock()
		if s.waiting = nil; !d.closed {
			d.ref(dir, c)
		}
		if e == kernel.ETIMEDOUT && (next == c.step || d.next(dir, c) > next) {
			if e = 0; next == c.step {
				e = d.stepped(dir, c)
				break
			} // else SetDeadline has moved it before that was noticed
		}
	}
	switch {
	case d.closed:
		e = kernel.EBADF
	case s.ready && e != kernel.ECANCELED && (e != 0 || c.waited):
		e = d.readyAt(dir, c, e)
	}
	s.ready = false // before the next try
	c.waited = true
	d.unlock()
	return e
}

// readyAt ends a sleep that has ended with e although there is something: ready beats timeout (D7),
// once, for a peer that never pauses makes every try a last one. A call's first sleep that a word
// has ended needs no look at the clock. Locked.
func (d *Desc) readyAt(dir Dir, c *Call, e Errno) Errno {
	if e == 0 && !d.due(dir, c) {
		return 0
	}
	if c.lastTry {
		return kernel.ETIMEDOUT
	}
	c.lastTry = true
	return 0
}

// due tells whether a deadline of the call has passed; locked.
func (d *Desc) due(dir Dir, c *Call) bool {
	until := timeout.Never
	if c.begun {
		until = c.until
	}
	until = d.withDirDeadline(dir, c, until)
	return until != timeout.Never && until.Passed(d.Kernel.Now())
}

// next is when wait has to look again; locked.
func (d *Desc) next(dir Dir, c *Call) timeout.Deadline {
	until := c.step
	if c.begun {
		until = until.Sooner(c.until)
	}
	return d.withDirDeadline(dir, c, until)
}

// stepped is ETIMEDOUT if a deadline came with the step; locked.
func (d *Desc) stepped(dir Dir, c *Call) Errno {
	step := c.step
	c.step = timeout.Never
	if d.next(dir, c) <= step {
		return kernel.ETIMEDOUT
	}
	return 0
}

// sleeper is the holder's.
func (d *Desc) sleeper(dir Dir) (Sleeper, Errno) {
	if !d.shared {
		return d.Waiter.Sleeper()
	}
	l := d.line(dir)
	if l.sleeper == nil {
		k, e := d.Waiter.Sleeper()
		if e != 0 {
			return nil, e
		}
		l.sleeper = k
	}
	return l.sleeper, 0
}
