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
