//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// apart calls f on a goroutine of its own, which runtime.Goexit may end.
func apart(f func()) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f()
	}()
	<-gone
}

// If the goroutine of a loop is locked to its thread, the loop stays on it, and each runtime.Goexit
// makes the stack longer. So after nestedMost of them, the loop fails in order. A loop that is not
// locked survives more of them, and its stack does not grow.
func TestGoexitsOfALockedLoopAreBounded(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, isLocked := range []bool{true, false} {
		exits := 0
		r, err := New(WithPanicHandler(func(*Conn, any, []byte) { exits++ }))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if isLocked {
				runtime.LockOSThread()
			}
			_ = r.Run(context.Background())
		}()
		on(t, r, func() {}) // otherwise Shutdown could run the loop on this goroutine
		const posts = nestedMost + 100
		for range posts {
			for errors.Is(r.Post(runtime.Goexit), ErrFull) {
				time.Sleep(time.Millisecond)
			}
		}
		err = r.Shutdown(context.Background())
		switch {
		case isLocked && (!errors.Is(err, errNested) || exits < nestedMost):
			t.Errorf("locked: %d calls of Goexit, %v", exits, err)
		case !isLocked && (err != nil || exits != posts):
			t.Errorf("not locked: %d calls of Goexit, %v", exits, err)
		}
	}
}
