package desc

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// outOfResources returns whether a registration has failed because something has run out:
// descriptors for the Poller, memory, or the registrations that this user may have.
func outOfResources(e Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOMEM, kernel.ENOBUFS, kernel.ENOSPC:
		return true
	}
	return false
}

// bareMost limits one wait of waitBare. During that wait the call does not notice a Close, a new
// deadline, or a descriptor that has become free.
const bareMost = 20 * time.Millisecond

// waitBare waits for a short time by poll(2), which needs no further descriptor. A call uses it if
// its registration has failed with the error `why`. After waitBare the call tries again, and then
// tries to register again. During the wait the call keeps its reference, because the kernel uses
// the number.
func (d *Desc) waitBare(dir Dir, c *Call, why Errno) Errno {
	c.deadline(d.Kernel)
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if d.due(dir, c) {
		d.unlock()
		return kernel.ETIMEDOUT
	}
	next := timeout.Never
	if c.begun {
		next = c.until
	}
	next = d.withDirDeadline(dir, c, next)
	d.unlock()
	if kernel.PollFD(d.Kernel, d.FD, poller.Interest(eventsFor[dir]), min(bareMost, next.Left(d.Kernel.Now()))) != 0 {
		return why
	}
	return 0
}
