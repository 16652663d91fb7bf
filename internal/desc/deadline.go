package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// SetDeadline sets when calls in a direction give up, those in progress and all later ones, beside what each call sets
// for itself: once it has passed they are ETIMEDOUT without a try. 0 is never. It may be moved at any time, also while
// calls wait: what has not passed when it is moved does not count. EBADF when closed.
func (d *Desc) SetDeadline(dir Dir, at timeout.Deadline) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if at == 0 && d.lines == nil {
		d.unlock()
		return 0
	}
	l := d.line(dir)
	later := at == 0 || l.limit != 0 && at >= l.limit
	l.limit = at
	if later { // who sleeps until the old one looks again when that has come
		d.unlock()
		return 0
	}
	wake := l.queue
	if len(wake) > 0 {
		wake = append([]Sleeper{}, wake...)
	}
	holder := d.sides[dir].waiting
	d.unlock()
	if holder != nil {
		holder.Wake()
	}
	for _, s := range wake {
		s.Wake()
	}
	return 0
}

// limited is until or the direction's deadline, the sooner; locked.
func (d *Desc) limited(dir Dir, until timeout.Deadline) timeout.Deadline {
	if d.lines == nil || d.lines[dir].limit == 0 {
		return until
	}
	return until.Sooner(d.lines[dir].limit)
}

// expired tells whether the direction's deadline has passed; locked.
func (d *Desc) expired(dir Dir) bool {
	l := d.lines[dir].limit
	return l != 0 && l.Passed(d.K.Now())
}

// Dead has the Desc keep in mind that the kernel itself has said ETIMEDOUT, which it does of a connection that has ended: no
// deadline has passed then. Do knows of what a try returns.
func (d *Desc) Dead() {
	d.lock()
	d.dead = true
	d.unlock()
}

// Passed tells whether an ETIMEDOUT of Do is a deadline's. To ask the deadline would be too late: it may have been moved.
func (d *Desc) Passed() bool {
	d.lock()
	defer d.unlock()
	return !d.dead
}
