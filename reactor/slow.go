package reactor

import (
	"reflect"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A SlowTurn is a turn that took longer than others.
type SlowTurn struct {
	Took  time.Duration    // 0: there was none
	Ended timeout.Deadline // by Reactor.Now

	// Callback names the callback that took longest in the turn: the type of its Conn's or
	// PacketConn's handler, or the function of a timer, a post, a Watch or a Task.
	Callback  string
	Callbacks int // how many the turn called

	// Sure is true if Callback is known to be that callback. If the turn had several callbacks, the
	// loop knows the slowest one only if it has measured the time of each. After a turn of 1 ms or
	// more for which Sure is false, the loop measures the time of each of the next 1,024 callbacks.
	Sure bool
}

const (
	slowLeast = 100 * time.Microsecond // a shorter turn is never recorded
	// After a turn of this length that is not Sure, callbacks are timed.
	unclearTurn = time.Millisecond
	timedNext   = 1024 // how many callbacks are timed then
	// Recent is the longest turn of this window and the one before.
	slowWindow = 10 * time.Second
)

// slowTurns records the longest turns. The loop writes, and any goroutine may read. A new record
// allocates memory. It is rare, because only a turn that is longer than all earlier turns in its
// window makes a record.
type slowTurns struct {
	longest atomic.Pointer[SlowTurn]    // since New
	recent  [2]atomic.Pointer[SlowTurn] // of the present window and the one before
	most    time.Duration               // of the present window
	until   timeout.Deadline            // when the window ends

	calls int           // timers, posts and Tasks of this turn
	last  any           // the last callback: a *Watch (of the only Event), a func() or a *Task
	timed int           // how many callbacks are still to be timed one by one
	each  bool          // all callbacks of this turn are timed
	worst any           // the one that took longest
	took  time.Duration // how long
}

// begin begins a turn. If the turn has exactly one Event, `only` is its Watch.
func (s *slowTurns) begin(only *Watch) {
	s.calls, s.last, s.worst, s.took = 0, nil, nil, 0
	if only != nil {
		s.last = only
	}
	s.each = s.timed > 0
}

// timeCallback times the callback that has just returned.
func (r *Reactor) timeCallback(what any) {
	s, t := &r.slow, &r.times
	s.timed--
	now := r.k.Now()
	if took := time.Duration(now - t.clock); took >= s.took {
		s.worst, s.took = what, took
	}
	t.clock = now
}

// noteSlow stores the turn if it is the longest of its window.
func (r *Reactor) noteSlow(took time.Duration) {
	s := &r.slow
	now := r.often.turnEnded
	if now >= s.until {
		older := s.recent[0].Load()
		if now >= s.until+timeout.Deadline(slowWindow) {
			older = nil // no turn has ended in the window before
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

// read returns the longest turn of all, and that of the last 10 to 20 seconds.
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

// nameOf names a callback.
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
