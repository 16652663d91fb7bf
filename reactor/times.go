package reactor

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// figures has the counts and times that the loop publishes for other goroutines, at the end of each
// turn.
type figures struct {
	often often
	count Stats // the counts that are not in often
	final bool  // the last turn has ended
}

// often has the figures that change in most turns. They are in one struct, because publish copies
// them in every turn.
type often struct {
	turns, events, timers, posts, reads, sends uint64 // of Stats
	bytesIn, bytesOut, packetsIn, packetsOut   uint64

	conns, listeners, packets, tasks, timed, posted int // of Stats; set by publish
	buffered, blocked, watched                      int

	busy      time.Duration    // the time in turns that were measured
	turnEnded timeout.Deadline // when the last turn that was measured has ended
}

// times has the fields with which the loop measures its time. The first call of Load starts that.
// Before, the loop reads no clock for these fields.
type times struct {
	on        bool             // the loop measures
	turnBegan timeout.Deadline // when the present turn began
	clock     timeout.Deadline // the time that was read last in this turn

	turns, lag, posts, wakes recorder
}

// unmeasured is the value of awake if the beginning of the turn was not measured.
const unmeasured = 1

// A sleeper is a Poller that reports whether its last Wait has slept. A Wait that finds Events at
// once has not.
type sleeper interface{ Slept() bool }

// A spinner is a Poller that can poll for some time before it sleeps: see WithSpin.
type spinner interface{ Spin(time.Duration) }

// measureBegin records when the turn begins. It is called after Wait. If the Poller has slept, the
// turn begins now. Otherwise it begins where the turn before has ended, and the clock is read only
// if there are timers.
func (r *Reactor) measureBegin(until timeout.Deadline) {
	t := &r.times
	if !t.on {
		t.on, r.often.turnEnded = true, timeout.Deadline(r.measuring.Load())
	}
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
	t.turnBegan = r.often.turnEnded
	if slept {
		t.turnBegan = r.now
	}
	r.awake.Store(int64(max(t.turnBegan, unmeasured+1)))
}

// beginSlow begins the turn for slowTurns.
func (r *Reactor) beginSlow() {
	var only *Watch
	if r.batch == 1 {
		only, _ = r.table.Get(r.events[0].FD, r.events[0].Gen)
	}
	r.slow.begin(only)
}

// readClock reads the clock at the beginning of a stage of the turn.
func (r *Reactor) readClock() {
	if r.times.on {
		r.times.clock = r.k.Now()
	}
}

// measureEnd records how long the turn took.
func (r *Reactor) measureEnd() {
	t := &r.times
	if !t.on { // Load was called during this turn
		t.on, t.turnBegan = true, timeout.Deadline(r.measuring.Load())
	}
	t.clock = r.k.Now()
	took := time.Duration(t.clock - t.turnBegan)
	t.turns.count(took)
	r.often.busy += took
	r.often.turnEnded = t.clock
	r.noteSlow(took)
	r.traceTurn(took)
}

// stamp returns the present time, for work that must wait for its stage of a turn. If the loop does
// not measure, stamp returns 0.
func (r *Reactor) stamp() timeout.Deadline {
	if r.measuring.Load() == 0 {
		return 0
	}
	return r.k.Now()
}

// noteWait counts the callback that now begins, and how long it has waited since its stamp.
func (r *Reactor) noteWait(h *recorder, at timeout.Deadline, what any) {
	if !r.times.on {
		return
	}
	r.slow.calls++
	r.slow.last = what
	if at != 0 {
		h.note(time.Duration(r.times.clock - at))
	}
}
