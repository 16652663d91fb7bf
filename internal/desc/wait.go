package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// wait sleeps until the direction's ready flag is set, the deadline passes, or the Desc is closed.
// A task sleeps inside these functions, so their frames stay on its stack. Therefore wait and the
// functions that it calls use little stack: a few words more would double the stack of each idle
// task (TestIdleTaskStack in package socket).
func (d *Desc) wait(dir Dir, c *Call) Errno {
	s := &d.dirs[dir]
	c.deadline(d.Kernel)
	if c.step = timeout.Never; c.Step > 0 {
		c.step = c.Step.After(d.Kernel.Now())
	}
	d.lock()
	// On Linux, recv may return EAGAIN at TCP's urgent byte although data follows that byte. This
	// happens if a signal is pending for the thread, and the Go runtime sends many signals. No
	// Event would report the data. So once an Event has reported an end or an urgent byte, only the
	// second EAGAIN in a row counts.
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
			} // otherwise SetDeadline has moved the deadline meanwhile
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

// readyAt returns the result of a sleep that ended with e while the ready flag is set. Readiness
// beats the timeout (doc/semantics.md, D7), but only once in a call. Otherwise a call whose peer
// never pauses would never end. If an Event has ended the first sleep of a call, readyAt does not
// read the clock. The Desc is locked.
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

// due returns whether a deadline of the call has passed; locked.
func (d *Desc) due(dir Dir, c *Call) bool {
	until := timeout.Never
	if c.begun {
		until = c.until
	}
	until = d.withDirDeadline(dir, c, until)
	return until != timeout.Never && until.Passed(d.Kernel.Now())
}

// next returns when wait must check again: at a deadline or at the end of the step; locked.
func (d *Desc) next(dir Dir, c *Call) timeout.Deadline {
	until := c.step
	if c.begun {
		until = until.Sooner(c.until)
	}
	return d.withDirDeadline(dir, c, until)
}

// stepped ends a step. If a deadline has passed too, it returns ETIMEDOUT. The Desc is locked.
func (d *Desc) stepped(dir Dir, c *Call) Errno {
	step := c.step
	c.step = timeout.Never
	if d.next(dir, c) <= step {
		return kernel.ETIMEDOUT
	}
	return 0
}

// sleeper returns the Sleeper of the turn's holder; locked.
func (d *Desc) sleeper(dir Dir) (Sleeper, Errno) {
	if !d.shared {
		return d.Waiter.Sleeper()
	}
	q := d.queue(dir)
	if q.sleeper == nil {
		s, e := d.Waiter.Sleeper()
		if e != 0 {
			return nil, e
		}
		q.sleeper = s
	}
	return q.sleeper, 0
}
