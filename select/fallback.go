package sel

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Poll without a Poller: the system had no descriptor for one (EMFILE, ENFILE), or refuses the
// call. As poll(2) does, it asks each descriptor at each poll, and while it waits, every
// millisecond.

// blindly is wait without an Event: look, sleep for a step, look again. Nothing else ends the
// sleep, so a change or Close counts a step later.
func (c *scan) blindly(until timeout.Deadline) kernel.Errno {
	s := c.s
	var sleeper desc.Sleeper
	for {
		if _, e := c.collectReady(); e != kernel.EAGAIN {
			return e
		}
		if until.Passed(s.k.Now()) {
			return kernel.EAGAIN
		}
		if s.w.Shared() && kernel.Await(s.k, -1, 0, time.Duration(askEvery)) == 0 {
			continue
		}
		if sleeper == nil {
			var e kernel.Errno
			if sleeper, e = s.w.Sleeper(); e != 0 {
				return e
			}
		}
		if e := sleeper.Sleep(desc.In, until.Sooner(askEvery.After(s.k.Now()))); e != 0 && e != kernel.ETIMEDOUT {
			return e
		}
	}
}

// tooMany tells whether more descriptors are registered than the process may have: poll(2) is
// EINVAL then. Few cannot be.
func (s *set) tooMany() bool {
	n := len(s.objects) - len(s.custom)
	return n > few && n > kernel.MaxFiles(s.k)
}
