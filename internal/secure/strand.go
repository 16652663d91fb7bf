package secure

import (
	"iter"
	"runtime"

	"github.com/ureactor/ureactor/internal/threadlock"
)

// A strand is a function that is suspended where it needs input: a coroutine (iter.Pull). Any
// goroutine may resume it: another caller, the one that closes, the garbage collector's. One at a
// time does.
//
// The runtime ends the process when a coroutine is resumed in another state of runtime.LockOSThread
// than the one in which it was made. So only goroutines that are not locked to their threads make
// and resume a strand. Where the caller is locked, it waits for another goroutine to do it.
type strand struct {
	next     func() (struct{}, bool)
	yield    func(struct{}) bool
	away     bool // the last caller was locked
	ended    bool
	returned bool
	panicked any // nil with ended and not returned: runtime.Goexit
}

// resume runs f until it is suspended, or ends; f counts the first time. A panic and runtime.Goexit
// in f happen to the caller. same: the last resume was on this goroutine, and its locks are as they
// were.
func (s *strand) resume(same bool, f func()) {
	if !same {
		s.away = locked()
	}
	if s.away {
		done := make(chan struct{})
		go func() {
			defer close(done) // deferred: runtime.Goexit in f happens here too
			s.step(f)
		}()
		<-done
	} else {
		s.step(f)
	}
	switch {
	case !s.ended || s.returned:
	case s.panicked == nil:
		runtime.Goexit()
	default:
		panic(s.panicked)
	}
}

func (s *strand) step(f func()) {
	if s.next == nil {
		s.next, _ = iter.Pull(func(yield func(struct{}) bool) {
			s.yield = yield
			s.run(f)
		})
	}
	s.next()
}

func (s *strand) run(f func()) {
	defer func() {
		if !s.returned {
			s.panicked = recover()
		}
		s.ended = true
		unlock()
	}()
	f()
	s.returned = true
}

// suspend is called by the function.
func (s *strand) suspend() {
	unlock()
	s.yield(struct{}{})
}

// locksMost is how many locks one call of a configuration's callback may leave behind.
const locksMost = 16

// unlock gives back what the configuration's callbacks have locked and not unlocked, for a strand
// is never locked where it is switched. Nothing is locked usually, and UnlockOSThread does nothing
// then.
func unlock() {
	for range locksMost {
		runtime.UnlockOSThread()
	}
}

var locked = threadlock.Locked // a variable for tests
