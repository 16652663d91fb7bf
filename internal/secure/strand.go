package secure

import (
	"bytes"
	"iter"
	"runtime"
	"sync"
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

// locked reports whether the calling goroutine is locked to its thread, by anything. The runtime
// tells it only in the first line of a stack. To make a stack is quick where it is short, so a
// coroutine does it, which has its caller's state.
func locked() bool {
	trusted.Do(func() { trust = locksAreSeen() })
	return !trust || seesLock()
}

// trust is false if the runtime does not tell locks as we know it. Every caller counts as locked
// then.
var (
	trusted sync.Once
	trust   bool
)

// locksAreSeen asks on goroutines of its own, where the state is known.
func locksAreSeen() bool {
	seen := make(chan bool)
	go func() {
		free := seesLock()
		runtime.LockOSThread()
		taken := seesLock()
		runtime.UnlockOSThread()
		seen <- taken && !free
	}()
	return <-seen
}

func seesLock() (is bool) {
	look, _ := iter.Pull(func(func(struct{}) bool) {
		var head [64]byte // a number of 20 digits fits
		is = bytes.Contains(head[:runtime.Stack(head[:], false)], lockMark)
	})
	look()
	return is
}

var lockMark = []byte(", locked to thread")
