package sel

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Poll has no Poller if the system had no descriptor for one (EMFILE, ENFILE) or refuses the
// call. Then each poll asks each descriptor, as poll(2) does, and a poll that waits asks again
// every millisecond.

// blindly is wait without Events: it collects, sleeps for askEvery, and collects again. Nothing
// ends the sleep early, so a change or Close takes effect only after the sleep.
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
		if s.w.Shared() && kernel.PollFD(s.k, -1, 0, time.Duration(askEvery)) == 0 {
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

// tooMany returns whether more descriptors are registered than the process may open; poll(2) fails
// with EINVAL then. It does not check a small Poll.
func (s *set) tooMany() bool {
	n := len(s.objects) - len(s.custom)
	return n > few && n > kernel.MaxFiles(s.k)
}
