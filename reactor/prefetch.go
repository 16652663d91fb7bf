package reactor

import (
	"unsafe"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/prefetch"
)

// If a loop has many descriptors, the memory for the next Event is not in the processor's cache.
// For a task that memory is about 1.8 KiB in several places: a Watch, a Desc, a Task, the runtime's
// objects for the coroutine, and the stack. Each place has the pointer to the next one. So the
// processor would have to wait for one after the other. Instead the loop prefetches the memory for
// the next Events while it delivers the present one.
const (
	prefetchFrom  = 256 // with fewer descriptors, everything is in the cache
	stackBelow    = 128 // how much of a sleeping task's stack is below the frame of Sleep
	stackLines    = 10  // the part of its stack that a task uses when it continues
	tlsStackLines = 12  // the part below that, which crypto/tls uses
	gLines        = 7
	nearLines     = 6 // the state of a TLS connection
)

// A lookahead has the next Events in stages. One stage prefetches what the following stage reads.
// The pointers are only hints: user code may meanwhile have closed the object.
type lookahead struct {
	w    *Watch         // the Watch of the Event r.next+5
	d    *desc.Desc     // the Desc of the Event r.next+4
	t    *Task          // the Task of the Event r.next+3
	near bool           // t's Desc has a TLS connection
	seat *coroutine     // the seat of the Task of the Event r.next+2
	call unsafe.Pointer // what continues the Task of the Event r.next+1
}

// advance moves each Event to its next stage. The turn and following call it before they deliver an
// Event.
func (a *lookahead) advance(r *Reactor) {
	prefetch.Captured(a.call)
	a.call = nil
	if c := a.seat; c != nil {
		a.call = c.call()
		prefetch.Lines(uintptr(a.call), 1)
		a.seat = nil
	}
	if t := a.t; t != nil {
		a.stack(t)
		a.seat, a.t = t.seat, nil
	}
	if d := a.d; d != nil {
		if a.near = d.Near != nil; a.near {
			prefetch.Lines(uintptr(d.Near), nearLines)
		}
		if s, ok := d.Waiting().(*taskSleeper); ok {
			a.t = (*Task)(s)
			prefetch.Lines(uintptr(unsafe.Pointer(a.t)), 2)
		}
		a.d = nil
	}
	if w := a.w; w != nil {
		if d, ok := w.sink.(*descSink); ok {
			a.d = (*desc.Desc)(d)
			prefetch.Lines(uintptr(unsafe.Pointer(d)), 3)
		}
		a.w = nil
	}
	if i := r.next + 5; i < r.batch {
		ev := &r.events[i]
		if w, ok := r.table.Get(ev.FD, ev.Gen); ok {
			a.w = w
			prefetch.Lines(uintptr(unsafe.Pointer(w)), 1)
		}
	}
}

// stack prefetches what the Task needs first. The processor delays the last prefetches if there are
// many, so the deepest part of the stack comes at the end.
func (a *lookahead) stack(t *Task) {
	prefetch.Lines(t.stack, stackLines)
	prefetch.Lines(t.g, gLines)
	prefetch.Lines(uintptr(unsafe.Pointer(t.seat)), 2)
	if a.near {
		prefetch.Lines(t.stack-tlsStackLines*prefetch.Line, tlsStackLines)
	}
}
