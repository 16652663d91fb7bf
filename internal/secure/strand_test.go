package secure

import (
	"runtime"
	"testing"
)

// away runs f on a new goroutine and reports whether f has returned. f may end with runtime.Goexit.
func away(f func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		returned = true
	}()
	<-done
	return returned
}

// Goroutines with different numbers of thread locks resume one strand, whose function leaves locks
// of its own behind. If the runtime does not show its locks, every caller is treated as locked.
func TestStrandBetweenLocks(t *testing.T) {
	run := func(t *testing.T) {
		s, steps := &strand{}, 0
		f := func() {
			for range 5 {
				steps++
				runtime.LockOSThread()
				runtime.LockOSThread()
				s.suspend()
			}
			runtime.LockOSThread()
		}
		for n := range 3 { // with n locks; the thread ends with its goroutine
			away(func() {
				for range n {
					runtime.LockOSThread()
				}
				s.resume(false, f)
				s.resume(true, f)
			})
			if steps != min(2*n+2, 5) || s.ended != (n == 2) {
				t.Fatalf("after %d resumes: %d steps, ended %v", 2*n+2, steps, s.ended)
			}
		}
		if !s.returned {
			t.Error("the function has not returned")
		}
	}
	t.Run("seen", run)
	defer func(was func() bool) { locked = was }(locked)
	locked = func() bool { return true }
	t.Run("not seen", run)
}

// A panic or runtime.Goexit of a strand's function continues in the goroutine that resumes the
// strand, locked to its thread or not.
func TestStrandUnwinds(t *testing.T) {
	for _, lock := range []bool{false, true} {
		caller := func(f func()) bool {
			return away(func() {
				if lock {
					runtime.LockOSThread()
				}
				f()
			})
		}
		if caller(func() { (&strand{}).resume(false, runtime.Goexit) }) {
			t.Errorf("locked %v: the caller goes on after Goexit", lock)
		}
		var got any
		caller(func() {
			defer func() { got = recover() }()
			(&strand{}).resume(false, func() { panic("oops") })
		})
		if got != "oops" {
			t.Errorf("locked %v: the caller gets %v", lock, got)
		}
	}
}
