package threadlock

import (
	"bytes"
	"iter"
	"math"
	"runtime"
	"sync"
)

// Locked reports whether the calling goroutine is locked to its thread, whatever code has locked
// it. The runtime shows that only in the first line of a stack trace: "goroutine 1 [running, locked
// to thread]:". With a runtime that does not show it, every caller counts as locked. A trace is
// quick if the stack is short. So a new coroutine makes the trace, because it has the lock state of
// its caller.
func Locked() bool { return !shown() || seesLock() }

// shown is false if the runtime does not show locks in this form. onceShown tries that once, on a
// new goroutine whose lock state is known.
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

// A State is the lock state of a goroutine. It must be the same for the goroutine that resumes a
// coroutine and the one that began the coroutine. It is Free or, if the goroutine is locked to its
// thread, the goroutine's number. (The number of locks must be the same too, but the runtime does
// not show it.) The zero State is no State.
type State uint64

// Free is the State of every goroutine that is not locked to a thread.
const Free State = math.MaxUint64

// A Probe reads the State of its caller, without an allocation. On a deep stack that is slow.
type Probe struct {
	head [64]byte // a number of 20 digits fits
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
