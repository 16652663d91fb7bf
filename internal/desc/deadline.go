package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// SetDeadline sets the deadline of a direction, for calls in progress and for later ones. A call
// then ends at this deadline or after its own Limit, whichever comes first. After the deadline,
// calls return ETIMEDOUT without a try. timeout.Never removes the deadline.
//
// The deadline may be changed at any time, also while calls wait. A deadline that is replaced
// before it has passed has no effect. If the Desc is closed, SetDeadline returns EBADF.
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
	q := d.queue(dir)
	later := at >= q.deadline
	q.deadline = at
	d.dated = d.queues[In].deadline != timeout.Never || d.queues[Out].deadline != timeout.Never
	if later { // calls that sleep wake at the old deadline and then read the new one
		d.unlock()
		return 0
	}
	var holders [2]Sleeper // both directions, because of Call.BothDeadlines
	var queued []Sleeper
	for i := range d.dirs {
		holders[i] = d.dirs[i].waiting
		queued = d.queues[i].sleepers(queued)
	}
	d.unlock()
	for _, s := range holders {
		if s != nil {
			s.Wake()
		}
	}
	for _, s := range queued {
		s.Wake()
	}
	return 0
}

// withDirDeadline returns the earlier of `until` and the deadline of the call's direction. The Desc
// is locked.
func (d *Desc) withDirDeadline(dir Dir, c *Call, until timeout.Deadline) timeout.Deadline {
	if !d.dated {
		return until
	}
	return d.withDirDeadlineSlow(dir, c, until)
}

// withDirDeadlineSlow is the part of withDirDeadline that only few Descs need: those with
// deadlines. It is a separate function, so that withDirDeadline can be inlined.
func (d *Desc) withDirDeadlineSlow(dir Dir, c *Call, until timeout.Deadline) timeout.Deadline {
	if c.BothDeadlines {
		until = until.Sooner(d.queues[1-dir].deadline)
	}
	return until.Sooner(d.queues[dir].deadline)
}

// dirExpired returns whether the deadline of the call's direction has passed. The Desc is locked.
func (d *Desc) dirExpired(dir Dir, c *Call) bool {
	at := d.withDirDeadline(dir, c, timeout.Never)
	return at != timeout.Never && at.Passed(d.Kernel.Now())
}

// NoteTimedOut records that the kernel has returned ETIMEDOUT, because the connection has timed
// out. So the cause is not a deadline. Do calls NoteTimedOut after such a result of a try.
func (d *Desc) NoteTimedOut() {
	d.lock()
	d.timedOut = true
	d.unlock()
}

// DeadlinePassed returns whether an ETIMEDOUT of Do was caused by a deadline. The clock could not
// show this, because the deadline may have been changed since.
func (d *Desc) DeadlinePassed() bool {
	d.lock()
	defer d.unlock()
	return !d.timedOut
}
