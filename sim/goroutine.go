package sim

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Only programs and the goroutine that runs the world may call a simulated kernel. If another
// goroutine could make a call, Go's scheduler would decide the history. If the process has no
// goroutines except those that the World knows, the caller is allowed. Otherwise the outermost
// frame of the caller's stack decides: programs, tasks and handshakes are coroutines of iter.Pull,
// whose stacks begin with runtime.corostart.
//
// It takes long to find the outermost frame. So the World stores the addresses of stacks that were
// allowed. A stored address counts only while the process has no more goroutines than when it was
// stored. A later goroutine may have got the memory of a stack that a coroutine has outgrown.

const (
	stackBits   = 11   // each stack is aligned to 2 KiB, the size of the smallest one
	stacksKept  = 1024 // parts of stacks that a World stores
	stacksCheck = 1024 // each so many calls a stored stack is checked again, because stacks are reused
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
	switch {
	case more == 0:
		return
	case more < 0: // goroutines that do not belong to the world have ended
		w.others += more
		more = 0
	}
	var here byte
	at := uintptr(unsafe.Pointer(&here)) >> stackBits
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

// A knownStack is a part of the stack of an allowed caller, and how many other goroutines the
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
func (h *Host) CoroutineBegins() { h.w.coroutines++ }

func (h *Host) CoroutineEnds() { h.w.coroutineEnds() }

// coroutineEnds also removes the coroutine's stack from the stored ones, because the runtime may
// now give this memory to any goroutine.
func (w *World) coroutineEnds() {
	w.coroutines--
	var here byte
	at := uintptr(unsafe.Pointer(&here)) >> stackBits
	for part := at - stackNear; part <= at+1; part++ {
		if known := &w.stacks[part%stacksKept]; known.at == part {
			known.at = 0
		}
	}
}

// stackNear is how many parts of a stack coroutineEnds removes: 16 KiB.
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
