package threadlock

import (
	"bytes"
	"iter"
	"runtime"
	"sync"
)

// Locked reports whether the calling goroutine is locked to its thread, by anything. The runtime
// shows that only in the first line of a stack trace: "goroutine 1 [running, locked to thread]:".
// With a runtime that does not show it, every caller counts as locked. A trace is quick where the
// stack is short, so a coroutine makes it, which has its caller's state.
func Locked() bool { return !shown() || seesLock() }

// shown is false if the runtime does not show locks in this form. A goroutine of its own tries it,
// because its state is known.
var shown = onceShown()

func onceShown() func() bool {
	return sync.OnceValue(func() bool {
		seen := make(chan bool)
		go func() {
			free := seesLock()
			runtime.LockOSThread()
			taken := seesLock()
			runtime.UnlockOSThread()
			seen <- taken && !free
		}()
		return <-seen
	})
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
