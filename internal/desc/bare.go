package desc

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// outOfResources tells whether a registration has failed only because there is no room: no
// descriptor for the background goroutine's Poller, no memory, or too many registrations of this
// user.
func outOfResources(e Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOMEM, kernel.ENOBUFS, kernel.ENOSPC:
		return true
	}
	return false
}

// bareMost is how long waitBare waits in the kernel: Close, another deadline and free descriptors
// are seen after that.
const bareMost = 20 * time.Millisecond

// waitBare waits for a short time where registering has failed with why: poll(2) needs no
// descriptor of its own. The call tries after it, and then to register again. The call keeps its
// reference, because the kernel uses the number.
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
	if kernel.Await(d.Kernel, d.FD, poller.Interest(eventsFor[dir]), min(bareMost, next.Left(d.Kernel.Now()))) != 0 {
		return why
	}
	return 0
}
