package sim

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ureactor/ureactor/internal/prefetch"
)

// Only programs and the goroutine that runs the world may call a simulated kernel. If another
// goroutine could make a call, Go's scheduler would decide the history. The outermost frame of the
// caller's stack decides: programs, tasks and handshakes are coroutines of iter.Pull, whose stacks
// begin with runtime.corostart.
//
// It takes long to find the outermost frame. So the World stores the goroutines that were allowed.
// The runtime gives the address of a goroutine that has ended to a later one. So a coroutine that
// ends is removed. The World does not see the end of all goroutines. So a stored address counts
// only while the process has no more goroutines than when it was stored.
//
// On some processors a goroutine has no address here. There the address of its stack takes the
// place, which is less exact: a later goroutine may get the memory of a stack that was outgrown.

const (
	stackBits   = 11   // each stack is aligned to 2 KiB, the size of the smallest one
	lineBits    = 5    // the data about goroutines is aligned to 32 bytes
	stacksKept  = 8192 // goroutines or parts of stacks that a World stores
	stacksCheck = 1024 // each so many calls a stored one is checked again, because they are reused
)

// An act is an action of a test or program that is not a Call.
type act string

func (a act) String() string { return string(a) }

// owned panics if the caller runs on a goroutine that does not belong to the world. h may be nil.
func (w *World) owned(what fmt.Stringer, h *Host) {
	if w.live != nil && !w.driven {
		w.live.held(what)
	}
	if !w.driven || w.live != nil {
		return
	}
	more := runtime.NumGoroutine() - w.others - w.coroutines
	if more < 0 { // goroutines that do not belong to the world have ended
		w.others += more
		more = 0
	}
	at := caller()
	if known := &w.stacks[at%stacksKept]; known.at != at || known.more < more || w.calls%stacksCheck == 0 {
		if !fromWorld() {
			where := ""
			if h != nil {
				where = " on host " + h.name
			}
			panic(fmt.Sprintf("sim: %v%s from a goroutine of its own: the seed would not decide which call comes first; "+
				"use callbacks or Tasks (Reactor.Go) of the program's loop", what, where))
		}
		*known = knownStack{at, more}
	}
}

// caller returns what identifies the goroutine that calls it, without its lowest bits.
func caller() uintptr {
	if g := prefetch.Goroutine(); g != 0 {
		return g >> lineBits
	}
	var here byte
	return uintptr(unsafe.Pointer(&here)) >> stackBits
}

// A knownStack is the result of caller for an allowed caller, and how many other goroutines the
// process had when it was stored.
type knownStack struct {
	at   uintptr
	more int
}

// Like every call of the kernel, Owned panics if the caller runs on a goroutine that does not
// belong to the world. Package reactor calls it in functions that do not call the kernel.
func (h *Host) Owned(what string) { h.w.owned(act(what), h) }

// CoroutineBegins and CoroutineEnds count the coroutines of the world. Package reactor calls them
// in each Task.
func (h *Host) CoroutineBegins() { h.w.coroutineBegins() }

func (h *Host) CoroutineEnds() { h.w.coroutineEnds() }

// coroutineBegins stores the coroutine until coroutineEnds, whatever the number of goroutines.
func (w *World) coroutineBegins() {
	w.coroutines++
	if g := prefetch.Goroutine() >> lineBits; g != 0 {
		w.stacks[g%stacksKept] = knownStack{g, math.MaxInt}
	}
}

// coroutineEnds also removes the coroutine from the stored ones, because the runtime may now give
// its memory to any goroutine.
func (w *World) coroutineEnds() {
	w.coroutines--
	at := caller()
	for part := at - stackNear; part <= at+1; part++ {
		if known := &w.stacks[part%stacksKept]; known.at == part {
			known.at = 0
		}
	}
}

// stackNear is how many parts of a stack coroutineEnds removes: 16 KiB. Goroutines are farther
// apart.
const stackNear = 8

// fromWorld returns whether the caller runs in a coroutine, or inside a call that runs a world.
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
