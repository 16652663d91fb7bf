package reactor

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// TimeoutKind says which deadline of a Conn has passed.
type TimeoutKind uint8

const (
	TimeoutIdle  TimeoutKind = iota // the idle timeout has passed, and starts again
	TimeoutRead                     // the read deadline has passed
	TimeoutWrite                    // the write deadline has passed, and output is still buffered
)

func (k TimeoutKind) String() string {
	if int(k) < 3 {
		return [...]string{"idle", "read", "write"}[k]
	}
	return fmt.Sprintf("TimeoutKind(%d)", uint8(k))
}

// deadlines are the deadlines of a Conn. They share one timer. When a message moves a deadline, the
// Conn only stores the time, and the timer stays. So the timer may fire before any deadline has
// passed. Its function computes which deadlines have passed.
type deadlines struct {
	t           timerq.Timer
	idle        time.Duration // the idle timeout; 0 if there is none
	lastTraffic timeout.Deadline
	read        timeout.Deadline
	write       timeout.Deadline

	// The deadlines of a Conn that is closing:
	lingering  bool
	quietUntil timeout.Deadline // when the peer has been quiet long enough
	giveUpAt   timeout.Deadline // when the Conn stops waiting for the peer
	unsent     int

	outputErr error // the error after which output was dropped
}

// ensureDeadlines returns the Conn's deadlines. The first call makes them.
func (c *Conn) ensureDeadlines() *deadlines {
	if c.deadlines == nil {
		c.deadlines = &deadlines{read: timeout.Never, write: timeout.Never}
		c.deadlines.t.F = c.due
	}
	return c.deadlines
}

// SetIdleTimeout makes the loop call Timeout with TimeoutIdle each time no byte was received or
// sent for d. 0 means never.
func (c *Conn) SetIdleTimeout(d time.Duration) error {
	return c.setDeadline("SetIdleTimeout", d, func(t *deadlines, now timeout.Deadline) { t.idle, t.lastTraffic = d, now })
}

// SetReadTimeout makes the loop call Timeout with TimeoutRead once, after the time d. If
// SetReadTimeout is called again before then, the new deadline replaces the old one. 0 means never.
func (c *Conn) SetReadTimeout(d time.Duration) error {
	return c.setDeadline("SetReadTimeout", d, func(t *deadlines, now timeout.Deadline) { t.read = deadline(d, now) })
}

// SetWriteTimeout makes the loop call Timeout with TimeoutWrite once, d from now, if output is
// buffered at that time. Another call before that time replaces the deadline. 0 means never.
func (c *Conn) SetWriteTimeout(d time.Duration) error {
	return c.setDeadline("SetWriteTimeout", d, func(t *deadlines, now timeout.Deadline) { t.write = deadline(d, now) })
}

func deadline(d time.Duration, now timeout.Deadline) timeout.Deadline {
	if d == 0 {
		return timeout.Never
	}
	return timeout.Timeout(d).After(now)
}

func (c *Conn) setDeadline(name string, d time.Duration, set func(*deadlines, timeout.Deadline)) error {
	switch {
	case c.is(released | closing):
		return ErrClosed
	case d < 0:
		return fmt.Errorf("reactor: %s(%v): must be 0 (never) or more", name, d)
	case d == 0 && c.deadlines == nil:
		return nil
	}
	t := c.ensureDeadlines()
	set(t, c.w.r.k.Now())
	c.checkTimeoutHandler()
	c.rearm()
	return nil
}

// checkTimeoutHandler panics if a deadline is set and the handler is no TimeoutHandler. While
// accept runs, there is no handler yet, and nothing is checked.
func (c *Conn) checkTimeoutHandler() {
	t := c.deadlines
	if c.handler == nil || t == nil || t.idle == 0 && t.read.Sooner(t.write) == timeout.Never {
		return
	}
	if _, ok := c.handler.(TimeoutHandler); !ok {
		panic(fmt.Sprintf("reactor: a deadline on a Conn whose handler %T has no Timeout method; give it one", c.handler))
	}
}

// noteTraffic records that bytes were received (`in`) or sent.
func (t *deadlines) noteTraffic(c *Conn, in bool) {
	if t.idle == 0 && !t.lingering {
		return
	}
	now := c.w.r.k.Now()
	t.lastTraffic = now
	if t.lingering {
		if c.Buffered() == 0 {
			t.quietUntil = now + timeout.Deadline(quietTime)
		}
		if !in {
			t.giveUpAt = timeout.Timeout(c.opt.linger).After(now)
		}
	}
}

// next returns the earliest deadline.
func (t *deadlines) next() timeout.Deadline {
	if t.lingering {
		return min(t.quietUntil, t.giveUpAt)
	}
	n := timeout.Never
	if t.idle > 0 {
		n = timeout.Timeout(t.idle).After(t.lastTraffic)
	}
	return n.Sooner(t.read).Sooner(t.write)
}

// rearm arms the timer for the earliest deadline. If that is later than before, the timer's entry
// in the queue does not move: see timerq.Queue.
func (c *Conn) rearm() {
	n := c.deadlines.next()
	if n == timeout.Never {
		c.w.r.timers.Stop(&c.deadlines.t)
		return
	}
	c.w.r.timers.Arm(&c.deadlines.t, n)
}

// due is the function of the timer. It calls Timeout for each deadline that has passed by the time
// of this turn, and arms the timer again.
func (c *Conn) due() {
	t, now := c.deadlines, c.w.r.now
	if t.lingering {
		c.lingerDue(now)
		return
	}
	defer func() { // deferred, because a Timeout may panic
		if !c.is(released) && !t.t.Armed() {
			c.rearm()
		}
	}()
	if t.idle > 0 && timeout.Timeout(t.idle).After(t.lastTraffic).Passed(now) {
		// Not the time of this turn, because earlier callbacks may have taken long.
		t.lastTraffic = c.w.r.k.Now()
		c.timeout(TimeoutIdle)
	}
	if t.read.Passed(now) {
		t.read = timeout.Never
		c.timeout(TimeoutRead)
	}
	if t.write.Passed(now) {
		t.write = timeout.Never
		if c.Buffered() > 0 {
			c.timeout(TimeoutWrite)
		}
	}
}

func (c *Conn) timeout(kind TimeoutKind) {
	if !c.is(released | closing) {
		c.w.r.guard(c, func() { c.handler.(TimeoutHandler).Timeout(c, kind) })
	}
}

// linger replaces the deadlines of user code by those of a closing Conn. A later call restarts the
// time for which the peer must be quiet.
func (t *deadlines) linger(c *Conn) {
	now := c.w.r.k.Now()
	t.quietUntil = timeout.Never // while output waits, the kernel need not be asked
	if c.Buffered() == 0 {
		t.quietUntil = now + timeout.Deadline(quietTime)
	}
	if !t.lingering {
		t.lingering = true
		t.giveUpAt = timeout.Timeout(c.opt.linger).After(now)
	}
	c.rearm()
}

// lingerDue is called when a deadline of a closing Conn has passed. It closes the Conn if the peer
// has acknowledged all output, or if the peer has accepted nothing for the time of WithLinger. It
// asks the kernel (Unsent) at most once in quietTime.
func (c *Conn) lingerDue(now timeout.Deadline) {
	t := c.deadlines
	if t.quietUntil.Passed(now) {
		unsent := c.unsent()
		if unsent == 0 {
			c.tearDown(nil)
			return
		}
		if unsent < t.unsent {
			t.giveUpAt = timeout.Timeout(c.opt.linger).After(now)
		}
		t.unsent = unsent
		t.quietUntil = now + timeout.Deadline(quietTime)
	}
	if t.giveUpAt.Passed(now) {
		switch {
		case c.Buffered() == 0 && c.unsent() == 0: // the peer has everything, but still sends
			c.tearDown(nil)
			return
		case !c.w.r.shutdownWaits:
			c.tearDown(ErrStuck)
			return
		}
		// With a deadline in the past, the timer would fire in each turn.
		t.giveUpAt = timeout.Timeout(max(c.opt.linger, quietTime)).After(now)
	}
	c.rearm()
}
