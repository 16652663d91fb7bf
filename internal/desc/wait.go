package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// wait sleeps until the direction's ready flag is set, the deadline passes, or the Desc is closed.
//
// A task sleeps inside of wait, so the stack frames of wait and its callees count for each idle
// task. They must stay small: a few words more would double the stack of an idle task
// (TestIdleTaskStack in package socket).
func (d *Desc) wait(dir Dir, c *Call) Errno {
	s := &d.dirs[dir]
	c.deadline(d.Kernel)
	if c.step = timeout.Never; c.Step > 0 {
		c.step = c.Step.After(d.Kernel.Now())
	}
	d.lock()
	// On Linux, recv stops at TCP's urgent byte. It may return EAGAIN there although data follows, if
	// a signal is pending for the thread. The Go runtime sends many signals, and no Event would report
	// the data. So once an Event has reported an end or an urgent byte, a call sleeps only after two
	// EAGAINs in a row.
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
			} // otherwise SetDeadline has moved the deadline to later
		}
	}
	switch {
	case d.closed:
		e = kernel.EBADF
	case s.ready && e != kernel.ECANCELED && (e != 0 || c.waited):
		e = d.readyAt(dir, c, e)
	}
	s.ready = false // cleared before the next try
	c.waited = true
	d.unlock()
	return e
}

// readyAt returns the result of a sleep that has ended with e, when the ready flag is set.
// Readiness beats the timeout (doc/semantics.md, D7), but only once in a call. Otherwise a call
// whose peer never pauses would never end. wait calls readyAt only after the first sleep of the
// call, or after an error. So a call whose first sleep was ended by an Event reads no clock here.
// The Desc is locked.
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

// due returns whether a deadline of the call has passed. The Desc is locked.
func (d *Desc) due(dir Dir, c *Call) bool {
	until := timeout.Never
	if c.begun {
		until = c.until
	}
	until = d.withDirDeadline(dir, c, until)
	return until != timeout.Never && until.Passed(d.Kernel.Now())
}

// next returns when wait must check again: at a deadline, or at the end of the step. The Desc is
// locked.
func (d *Desc) next(dir Dir, c *Call) timeout.Deadline {
	until := c.step
	if c.begun {
		until = until.Sooner(c.until)
	}
	return d.withDirDeadline(dir, c, until)
}

// stepped is called when a step has ended. It returns ETIMEDOUT if a deadline has passed as well.
// The Desc is locked.
func (d *Desc) stepped(dir Dir, c *Call) Errno {
	step := c.step
	c.step = timeout.Never
	if d.next(dir, c) <= step {
		return kernel.ETIMEDOUT
	}
	return 0
}

// sleeper returns the Sleeper of the holder of the turn. The Desc is locked.
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
