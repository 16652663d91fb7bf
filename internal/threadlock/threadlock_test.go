package threadlock

import (
	"runtime"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest"
)

// The runtime must show locks as Locked expects. If a new version of Go does not, every goroutine
// counts as locked: handshakes are slower then, and this test fails.
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

// All goroutines that are not locked have one State, and each that is locked has its own.
func TestStates(t *testing.T) {
	free, locked := make(chan State), make(chan State)
	for range 2 {
		go func() {
			var p Probe
			free <- p.State()
			runtime.LockOSThread() // the thread ends with the goroutine
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
