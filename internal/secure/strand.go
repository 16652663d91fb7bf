package secure

import (
	"iter"
	"runtime"

	"github.com/ureactor/ureactor/internal/threadlock"
)

// A strand is a coroutine (iter.Pull): a function that is suspended where it needs input. Any
// goroutine may resume a strand, but only one at a time. This may be the goroutine of another
// caller, the goroutine that closes the connection, or a goroutine that runs a cleanup for the
// garbage collector.
//
// The runtime ends the process if a coroutine is made and resumed in different states of
// runtime.LockOSThread. Therefore only goroutines without a thread lock make and resume a strand.
// If a caller is locked to its thread, it starts another goroutine that does so, and waits for it.
type strand struct {
	next     func() (struct{}, bool)
	yield    func(struct{}) bool
	away     bool // the last caller was locked, so another goroutine resumes the strand
	ended    bool
	returned bool // f has returned; otherwise a panic or runtime.Goexit has ended it
	panicked any  // the value of the panic; nil after runtime.Goexit
}

// resume runs f until it suspends itself or ends. Only the first call uses f. A panic or
// runtime.Goexit in f continues in the caller. same means that the last resume was on this
// goroutine too, and that the goroutine's thread locks have not changed since.
func (s *strand) resume(same bool, f func()) {
	if !same {
		s.away = locked()
	}
	if s.away {
		done := make(chan struct{})
		go func() {
			defer close(done) // deferred, because runtime.Goexit in f ends this goroutine too
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

// suspend returns to the caller of resume. Only the strand's function calls it.
func (s *strand) suspend() {
	unlock()
	s.yield(struct{}{})
}

// maxLocks is how many thread locks one callback of the configuration may leave unreleased.
const maxLocks = 16

// unlock releases the thread locks that the configuration's callbacks have left, because a strand
// must not be locked while it is suspended. Usually there are no such locks. Then UnlockOSThread
// does nothing.
func unlock() {
	for range maxLocks {
		runtime.UnlockOSThread()
	}
}

var locked = threadlock.Locked // a variable, so that tests can replace it
