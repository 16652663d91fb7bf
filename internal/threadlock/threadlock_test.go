package threadlock

import (
	"runtime"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest"
)

// The runtime must show locks in the form that Locked expects. If a new version of Go does not,
// this test fails. Then every goroutine counts as locked, which makes handshakes slower.
func TestLocksAreSeen(t *testing.T) {
	if !shown() {
		t.Error("a locked goroutine's stack does not begin as expected")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 3 {
			if got := Locked(); got != (n > 0) {
				t.Errorf("Locked() = %v with %d locks", got, n)
			}
			runtime.LockOSThread()
		}
		for range 3 {
			runtime.UnlockOSThread()
		}
		if Locked() {
			t.Error("Locked() is true after the last unlock")
		}
	}()
	<-done
}

// If the runtime shows locks in another form, every goroutine counts as locked.
func TestUnknownFormCountsAsLocked(t *testing.T) {
	defer func(was []byte, f func() bool) { lockMark, shown = was, f }(lockMark, shown)
	lockMark = []byte(", tied to thread")
	shown = onceShown()
	if !Locked() {
		t.Error("not locked, but nobody can know")
	}
}

// All goroutines that are not locked have the same State. Each locked goroutine has a State of its
// own.
func TestStates(t *testing.T) {
	free, locked := make(chan State), make(chan State)
	for range 2 {
		go func() {
			var p Probe
			free <- p.State()
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			locked <- p.State()
			locked <- p.State()
		}()
	}
	for range 2 {
		if s := <-free; s != Free {
			t.Errorf("not locked: %v", s)
		}
	}
	counts := map[State]int{}
	for range 4 {
		counts[<-locked]++
	}
	if len(counts) != 2 || counts[Free]+counts[0] > 0 {
		t.Errorf("two locked goroutines: %v", counts)
	}
}
