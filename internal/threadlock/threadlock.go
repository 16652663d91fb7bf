package threadlock

import (
	"bytes"
	"iter"
	"math"
	"runtime"
	"sync"
)

// Locked reports whether the calling goroutine is locked to its thread. It does not matter which
// code has locked it. The runtime shows the lock only in the first line of a stack trace:
// "goroutine 1 [running, locked to thread]:". If a version of the runtime does not show locks,
// every caller counts as locked. A trace of a short stack is quick. So a new coroutine makes the
// trace: its stack is short, and it has the lock state of its caller.
func Locked() bool { return !shown() || seesLock() }

// shown returns whether the runtime shows locks in this form. onceShown finds out once, on a new
// goroutine whose lock state is known.
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
		is = bytes.Contains(new(Probe).header(), lockMark)
	})
	look()
	return is
}

var lockMark = []byte(", locked to thread")

// A State is the lock state of a goroutine: Free, or the goroutine's number if it is locked to its
// thread. A coroutine can only be resumed by a goroutine in the same lock state as the one that
// created the coroutine. (The runtime also compares how often the goroutine was locked, but does
// not show that number.) The zero State is not a valid State.
type State uint64

// Free is the State of every goroutine that is not locked to its thread.
const Free State = math.MaxUint64

// A Probe reads the State of its caller without an allocation. A deep stack makes that slow.
type Probe struct {
	head [64]byte // room for a number of 20 digits
}

func (p *Probe) header() []byte { return p.head[:runtime.Stack(p.head[:], false)] }

func (p *Probe) State() State {
	head := p.header()
	if shown() && !bytes.Contains(head, lockMark) {
		return Free
	}
	head, _ = bytes.CutPrefix(head, []byte("goroutine "))
	n := State(0)
	for _, c := range head {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + State(c-'0')
	}
	return n
}
