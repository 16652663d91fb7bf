package sim

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// A call from a goroutine that is neither a program nor what runs the world writes history at the
// scheduler's pleasure. Go has no name for the running goroutine, but its stack has an address, and
// its outermost frame says what it is: programs, tasks and handshakes are coroutines of iter.Pull.

const (
	stackBits   = 11   // the smallest stack, and the alignment of all, is 2 KiB
	stacksKept  = 256  // parts of stacks that a World knows
	stacksCheck = 1024 // every so many calls a known one is looked at again: stacks are reused
)

// owned panics if the caller is a goroutine of its own. It costs a comparison, mostly.
func (w *World) owned(what fmt.Stringer, h *Host) {
	var here byte
	at := uintptr(unsafe.Pointer(&here)) >> stackBits
	if known := &w.stacks[at%stacksKept]; w.driven && (*known != at || w.calls%stacksCheck == 0) {
		if !fromWorld() {
			panic(fmt.Sprintf("sim: %v on host %s from a goroutine of its own: which call comes first is then not the seed's "+
				"choice; use callbacks or Tasks (Reactor.Go) of the program's loop", what, h.name))
		}
		*known = at
	}
}

// CoroutineEnds makes the World forget the stack of the running coroutine, which the runtime may
// give to any goroutine from now on. Package reactor calls it at the end of a Task.
func (h *Host) CoroutineEnds() { h.w.forgetStack() }

// stackNear is how many parts of a stack are forgotten around the present one: 64 KiB.
const stackNear = 32

func (w *World) forgetStack() {
	var here byte
	at := uintptr(unsafe.Pointer(&here)) >> stackBits
	for part := at - stackNear; part <= at+stackNear; part++ {
		if known := &w.stacks[part%stacksKept]; *known == part {
			*known = 0
		}
	}
}

// fromWorld returns whether the caller runs in a coroutine, or below a world that runs.
//
//go:noinline
func fromWorld() bool {
	var few [64]uintptr
	pcs := few[:]
	n := runtime.Callers(2, pcs)
	for n == len(pcs) {
		pcs = make([]uintptr, 4*n)
		n = runtime.Callers(2, pcs)
	}
	if n >= 2 && runtime.FuncForPC(pcs[n-2]).Name() == "runtime.corostart" {
		return true
	}
	for _, pc := range pcs[:n] {
		if name := runtime.FuncForPC(pc).Name(); strings.HasSuffix(name, "sim.(*World).run") || strings.HasSuffix(name, "sim.(*World).drive") {
			return true
		}
	}
	return false
}
