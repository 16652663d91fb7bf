package reactor

import (
	"reflect"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A SlowTurn is a turn that was longer than others.
type SlowTurn struct {
	Took  time.Duration    // 0 if there was no such turn
	Ended timeout.Deadline // the time as Reactor.Now returns it

	// Callback is the name of the callback that took longest in the turn. It is the type of the
	// handler of a Conn or PacketConn, or the function of a timer, a post, a Watch or a Task.
	Callback  string
	Callbacks int // how many callbacks the turn has called

	// Sure means that Callback certainly is the slowest callback. If a turn has several callbacks,
	// the loop knows the slowest one only if it has timed each. After a turn of 1 ms or more that
	// is not Sure, the loop times each of the next 1,024 callbacks.
	Sure bool
}

const (
	slowLeast = 100 * time.Microsecond // a shorter turn is not recorded
	// After a turn of this length that is not Sure, the loop times callbacks.
	unclearTurn = time.Millisecond
	timedNext   = 1024 // how many callbacks the loop then times
	// Recent is the longest turn of the present window and the one before.
	slowWindow = 10 * time.Second
)

// slowTurns records the longest turns. Only the loop writes, and any goroutine may read. A record
// allocates memory. Records are rare, because a turn must be longer than all earlier ones of its
// window.
type slowTurns struct {
	longest atomic.Pointer[SlowTurn]    // the longest turn of all
	recent  [2]atomic.Pointer[SlowTurn] // of the present window and the one before
	most    time.Duration               // the longest time of the present window
	until   timeout.Deadline            // when the present window ends

	calls int           // how many timers, posts and Tasks this turn has called
	last  any           // the last callback: a *Watch of the only Event, func(), *Task or *Conn
	timed int           // how many callbacks are still to be timed
	each  bool          // every callback of this turn is timed
	worst any           // the slowest callback of this turn
	took  time.Duration // the time of worst
}

// begin begins a turn. If the turn has exactly one Event, `only` is the Watch of that Event.
func (s *slowTurns) begin(only *Watch) {
	s.calls, s.last, s.worst, s.took = 0, nil, nil, 0
	if only != nil {
		s.last = only
	}
	s.each = s.timed > 0
}

// timeCallback records the time of the callback that has just returned.
func (r *Reactor) timeCallback(what any) {
	s, t := &r.slow, &r.times
	s.timed--
	now := r.k.Now()
	if took := time.Duration(now - t.clock); took >= s.took {
		s.worst, s.took = what, took
	}
	t.clock = now
}

// noteSlow records the turn if it is the longest of its window.
func (r *Reactor) noteSlow(took time.Duration) {
	s := &r.slow
	now := r.often.turnEnded
	if now >= s.until {
		older := s.recent[0].Load()
		if now >= s.until+timeout.Deadline(slowWindow) {
			older = nil // no turn has ended in the window before this one
		}
		s.recent[1].Store(older)
		s.recent[0].Store(nil)
		s.most, s.until = 0, now+timeout.Deadline(slowWindow)
	}
	if took <= s.most || took < slowLeast {
		return
	}
	s.most = took
	turn := &SlowTurn{Took: took, Ended: now, Callbacks: s.calls + r.batch}
	switch {
	case turn.Callbacks == 1:
		turn.Callback, turn.Sure = nameOf(s.last), true
	case s.each:
		turn.Callback, turn.Sure = nameOf(s.worst), true
	default:
		turn.Callback = nameOf(s.last)
	}
	if !turn.Sure && took >= unclearTurn {
		s.timed = timedNext
	}
	s.recent[0].Store(turn)
	if l := s.longest.Load(); l == nil || l.Took < took {
		s.longest.Store(turn)
	}
}

// read returns the longest turn of all, and the longest one of the last 10 to 20 seconds.
func (s *slowTurns) read(now timeout.Deadline) (longest, recent SlowTurn) {
	if l := s.longest.Load(); l != nil {
		longest = *l
	}
	for i := range s.recent {
		if t := s.recent[i].Load(); t != nil && t.Took > recent.Took && now-t.Ended < timeout.Deadline(2*slowWindow) {
			recent = *t
		}
	}
	return longest, recent
}

// nameOf returns the name of a callback.
func nameOf(what any) string {
	switch v := what.(type) {
	case *Watch:
		switch s := v.sink.(type) {
		case *Conn:
			return typeName(s.handler)
		case *PacketConn:
			return typeName(s.handler)
		case *Listener:
			return funcName(reflect.ValueOf(s.accept).Pointer())
		case callSink:
			return funcName(reflect.ValueOf(s).Pointer())
		}
		return typeName(v.sink)
	case func():
		return funcName(reflect.ValueOf(v).Pointer())
	case *Task:
		return funcName(v.code)
	case *Conn:
		return typeName(v.handler)
	}
	return ""
}
