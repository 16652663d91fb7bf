package reactor

import (
	"time"

	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// A Timer calls a function on the loop when its time has come. The call is never early. It is late
// if the loop is busy at that time.
type Timer struct {
	t timerq.Timer
	r *Reactor
}

// After makes the loop call f after d. A negative d counts as 0. The call comes in a later turn,
// never inside After. Once the reactor has ended (Post returns ErrClosed), After arms no timer.
func (r *Reactor) After(d time.Duration, f func()) *Timer {
	if f == nil {
		panic("reactor: After with a nil function")
	}
	t := &Timer{r: r}
	t.t.F = f
	t.Reset(d)
	return t
}

// Stop keeps the timer from firing. It returns whether the timer was armed.
func (t *Timer) Stop() bool {
	t.r.owned("Timer.Stop")
	return t.r.timers.Stop(&t.t)
}

// Reset arms the timer to fire d from now, whether it has fired or not. If the new time is later
// than the old one, Reset is O(1).
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
