package sel

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Poll has no Poller if no descriptor was free for one (EMFILE, ENFILE), or if the system refuses
// the call. Then each poll asks each descriptor, as poll(2) does. A poll that waits asks again
// every millisecond.

// blindly is wait without Events. It collects, sleeps for askEvery, and collects again. Nothing
// ends the sleep early, so a change or a Close takes effect only after the sleep.
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

// tooMany returns whether more descriptors are registered than the process may open. In that case
// poll(2) fails with EINVAL. A small Poll is not checked.
func (s *set) tooMany() bool {
	n := len(s.objects) - len(s.custom)
	return n > few && n > kernel.MaxFiles(s.k)
}
