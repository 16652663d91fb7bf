package reactor

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// figures are the counts that the loop publishes for other goroutines at the end of each turn.
type figures struct {
	count     Stats
	busy      time.Duration    // the time in turns that have ended
	began     timeout.Deadline // when New made the loop
	turnEnded timeout.Deadline // when the last turn ended; before the first turn, began
	unsent    timeout.Deadline // when the oldest refused byte was sent
	final     bool             // the last turn has run
}

// present returns how long the present turn has run, or 0 without one. began is when the turn
// began, and was read before the figures. If the figures say that a later turn has ended, this turn
// has ended too.
func (f *figures) present(began, now timeout.Deadline) time.Duration {
	if began == 0 || began < f.turnEnded {
		return 0
	}
	return time.Duration(max(0, now-began))
}

// times counts how the loop spends its time. Only the loop touches it, except for the recorders.
type times struct {
	turnBegan timeout.Deadline // when the present turn began
	clock     timeout.Deadline // the latest reading

	turns, lag, posts, wakes recorder
}

// A sleeper is a Poller that reports whether its last Wait slept, or returned at once.
type sleeper interface{ Slept() bool }

func (r *Reactor) beginTimes() {
	r.now = r.k.Now()
	r.times.clock = r.now
	r.began, r.turnEnded, r.unsent = r.now, r.now, timeout.Never
	r.outputs.clock, r.outputs.oldest = &r.times.clock, &r.unsent
	r.board.put(&r.figures)
	r.sleeper, _ = r.poller.(sleeper)
}

// beginTurn records when the turn begins. If the Wait has slept, that is when the Poller woke.
// Otherwise it is when the turn before ended, and the clock is read only for timers.
func (r *Reactor) beginTurn(until timeout.Deadline) {
	t := &r.times
	slept := r.byHand
	if r.sleeper != nil {
		slept = slept || r.sleeper.Slept()
	} else {
		slept = slept || until > timeout.Past
	}
	if slept || r.timers.Len() > 0 {
		r.now = r.k.Now()
		t.clock = r.now
	}
	t.turnBegan = r.turnEnded
	if slept {
		t.turnBegan = r.now
	}
	r.awake.Store(int64(max(t.turnBegan, 1)))
}

// readClock reads the clock where a stage of the turn begins.
func (r *Reactor) readClock() { r.times.clock = r.k.Now() }

// endTurn records how long the turn took, and publishes the figures.
func (r *Reactor) endTurn() {
	t := &r.times
	r.readClock()
	took := time.Duration(t.clock - t.turnBegan)
	t.turns.count(took)
	r.busy += took
	r.turnEnded = t.clock
	r.publish()
	r.awake.Store(0)
}
