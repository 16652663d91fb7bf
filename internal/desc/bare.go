package desc

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// outOfResources returns whether a registration failed for lack of a resource: a descriptor for the
// background goroutine's Poller, memory, or registrations that this user may have.
func outOfResources(e Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOMEM, kernel.ENOBUFS, kernel.ENOSPC:
		return true
	}
	return false
}

// bareMost is how long waitBare waits in the kernel. While it waits, the call does not notice
// Close, a new deadline, or that descriptors have become free.
const bareMost = 20 * time.Millisecond

// waitBare waits for a short time by poll(2), which needs no further descriptor. A call uses
// waitBare if its registration has failed with the error `why`. After waitBare the call tries
// again, and then tries to register again. The call keeps its reference meanwhile, because the
// kernel uses the descriptor's number.
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
