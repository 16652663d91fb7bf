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
	TimeoutIdle  TimeoutKind = iota // no byte either way for the idle timeout; it starts again
	TimeoutRead                     // the read deadline
	TimeoutWrite                    // the write deadline, with output still buffered
)

func (k TimeoutKind) String() string {
	if int(k) < 3 {
		return [...]string{"idle", "read", "write"}[k]
	}
	return fmt.Sprintf("TimeoutKind(%d)", uint8(k))
}

// deadlines are the deadlines of a Conn, with one timer for the earliest. For a message the Conn
// only stores the time, and does not move the timer. So the timer may fire before any deadline has
// passed. Its function then computes which deadlines have passed.
type deadlines struct {
	t           timerq.Timer
	idle        time.Duration // 0: none
	lastTraffic timeout.Deadline
	read        timeout.Deadline
	write       timeout.Deadline

	// of a closing Conn:
	lingering  bool
	quietUntil timeout.Deadline // when the peer has been silent for long enough
	giveUpAt   timeout.Deadline // when to give up
	unsent     int

	outputErr error // the error that ended the output of a Conn
}

// ensureDeadlines returns the Conn's deadlines, and makes them at the first use.
func (c *Conn) ensureDeadlines() *deadlines {
	if c.deadlines == nil {
		c.deadlines = &deadlines{read: timeout.Never, write: timeout.Never}
		c.deadlines.t.F = c.due
	}
	return c.deadlines
}

// SetIdleTimeout makes the loop call Timeout with TimeoutIdle whenever no byte has moved in either
// direction for d. 0 means never.
func (c *Conn) SetIdleTimeout(d time.Duration) error {
	return c.setDeadline("SetIdleTimeout", d, func(t *deadlines, now timeout.Deadline) { t.idle, t.lastTraffic = d, now })
}

// SetReadTimeout makes the loop call Timeout with TimeoutRead once, d from now, unless it is set
// again before. 0 means never.
func (c *Conn) SetReadTimeout(d time.Duration) error {
	return c.setDeadline("SetReadTimeout", d, func(t *deadlines, now timeout.Deadline) { t.read = deadline(d, now) })
}

// SetWriteTimeout makes the loop call Timeout with TimeoutWrite once, d from now, if output is
// buffered then. A second call replaces the first. 0 means never.
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

// checkTimeoutHandler panics if there are deadlines but no TimeoutHandler. The handler is not known
// while accept is still choosing it.
func (c *Conn) checkTimeoutHandler() {
	t := c.deadlines
	if c.handler == nil || t == nil || t.idle == 0 && t.read.Sooner(t.write) == timeout.Never {
		return
	}
	if _, ok := c.handler.(TimeoutHandler); !ok {
		panic(fmt.Sprintf("reactor: a deadline on a Conn whose handler %T has no Timeout method; give it one", c.handler))
	}
}

// noteTraffic notes that bytes went in or out.
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

// next is the earliest of the deadlines.
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

// rearm moves the timer if a deadline is earlier than the timer's time. If the earliest deadline
// has become later, the timer stays where it is, and due arms it again when it fires.
func (c *Conn) rearm() {
	n := c.deadlines.next()
	if n == timeout.Never {
		c.w.r.timers.Stop(&c.deadlines.t)
		return
	}
	c.w.r.timers.Arm(&c.deadlines.t, n)
}

// due is the timer's function. It reports the deadlines that have passed by the turn's clock, and
// arms the timer for the next one.
func (c *Conn) due() {
	t, now := c.deadlines, c.w.r.now
	if t.lingering {
		c.lingerDue(now)
		return
	}
	defer func() { // also if a Timeout does not return
		if !c.is(released) && !t.t.Armed() {
			c.rearm()
		}
	}()
	if t.idle > 0 && timeout.Timeout(t.idle).After(t.lastTraffic).Passed(now) {
		t.lastTraffic = c.w.r.k.Now() // not the turn's clock: earlier callbacks may have taken long
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

// linger starts the deadlines of a closing Conn and drops those that user code has set. After the
// FIN it restarts the quiet time.
func (t *deadlines) linger(c *Conn) {
	now := c.w.r.k.Now()
	t.quietUntil = timeout.Never // while output waits, there is no need to ask the kernel
	if c.Buffered() == 0 {
		t.quietUntil = now + timeout.Deadline(quietTime)
	}
	if !t.lingering {
		t.lingering = true
		t.giveUpAt = timeout.Timeout(c.opt.linger).After(now)
	}
	c.rearm()
}

// lingerDue checks whether a closing Conn has delivered its output, or can never deliver it. It
// asks the kernel (Unsent) at most once every quietTime.
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
		case c.Buffered() == 0 && c.unsent() == 0: // the peer has everything, and keeps sending
			c.tearDown(nil)
			return
		case !c.w.r.shutdownWaits:
			c.tearDown(ErrStuck)
			return
		}
		// A deadline in the past would make the loop spin.
		t.giveUpAt = timeout.Timeout(max(c.opt.linger, quietTime)).After(now)
	}
	c.rearm()
}
