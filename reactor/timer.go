package reactor

import (
	"time"

	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// A Timer calls a function on the loop at a certain time. The call is never early. If the loop is
// busy at that time, the call is late.
type Timer struct {
	t timerq.Timer
	r *Reactor
}

// After makes the loop call f when d has passed. A negative d counts as 0. The call is made in a
// later turn, and never inside After. If the reactor has ended (Post returns ErrClosed), After does
// nothing.
func (r *Reactor) After(d time.Duration, f func()) *Timer {
	if f == nil {
		panic("reactor: After with a nil function")
	}
	t := &Timer{r: r}
	t.t.F = f
	t.Reset(d)
	return t
}

// Stop disarms the timer. It returns whether the timer was armed.
func (t *Timer) Stop() bool {
	t.r.owned("Timer.Stop")
	return t.r.timers.Stop(&t.t)
}

// Reset arms the timer, whether it is armed, has expired or was stopped. The call comes when d has
// passed. To move an armed timer to a later time takes constant time.
func (t *Timer) Reset(d time.Duration) {
	t.r.owned("a timer")
	t.r.arm(&t.t, max(d, 0))
}

func (r *Reactor) arm(t *timerq.Timer, d time.Duration) {
	if r.stopped {
		return
	}
	r.timers.Arm(t, min(timeout.Timeout(d).After(r.k.Now()), timeout.Never-1))
}
