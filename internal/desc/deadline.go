package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// SetDeadline sets when calls in a direction give up, those in progress and all later ones, beside
// what each call sets for itself: once it has passed they are ETIMEDOUT without a try.
// timeout.Never is none. It may be moved at any time, also while calls wait: what has not passed
// when it is moved does not count. EBADF when closed.
func (d *Desc) SetDeadline(dir Dir, at timeout.Deadline) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if at == timeout.Never && d.queues == nil {
		d.unlock()
		return 0
	}
	l := d.line(dir)
	later := at >= l.deadline
	l.deadline = at
	if later { // who sleeps until the old one looks again when that has come
		d.unlock()
		return 0
	}
	var holders [2]Sleeper // of both directions: see Call.Both
	var waits []Sleeper
	for i := range d.dirs {
		holders[i] = d.dirs[i].waiting
		waits = d.queues[i].sleepers(waits)
	}
	d.unlock()
	for _, s := range holders {
		if s != nil {
			s.Wake()
		}
	}
	for _, s := range waits {
		s.Wake()
	}
	return 0
}

// withDirDeadline is until or the deadline that the call has by its direction, the sooner; locked.
func (d *Desc) withDirDeadline(dir Dir, c *Call, until timeout.Deadline) timeout.Deadline {
	if d.queues == nil {
		return until
	}
	return d.withDirDeadlineSlow(dir, c, until)
}

// withDirDeadlineSlow is apart, so that limited can be inlined: few Descs have deadlines.
func (d *Desc) withDirDeadlineSlow(dir Dir, c *Call, until timeout.Deadline) timeout.Deadline {
	if c.BothDeadlines {
		until = until.Sooner(d.queues[1-dir].deadline)
	}
	return until.Sooner(d.queues[dir].deadline)
}

// dirExpired tells whether the deadline that the call has by its direction has passed; locked.
func (d *Desc) dirExpired(dir Dir, c *Call) bool {
	l := d.withDirDeadline(dir, c, timeout.Never)
	return l != timeout.Never && l.Passed(d.Kernel.Now())
}

// NoteTimedOut has the Desc keep in mind that the kernel itself has said ETIMEDOUT, which it does
// of a connection that has ended: no deadline has passed then. Do knows of what a try returns.
func (d *Desc) NoteTimedOut() {
	d.lock()
	d.timedOut = true
	d.unlock()
}

// DeadlinePassed tells whether an ETIMEDOUT of Do is a deadline's. To ask the deadline would be too
// late: it may have been moved.
func (d *Desc) DeadlinePassed() bool {
	d.lock()
	defer d.unlock()
	return !d.timedOut
}
