package reactor

import (
	"unsafe"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/prefetch"
)

// With many descriptors, the memory that is needed to deliver an Event is in none of the
// processor's caches. For a task it is about 1.5 KiB in ten places: a Watch, a Desc, a Task, the
// runtime's objects for the coroutine, and the stack. Each of these has the pointer to the next
// one, so the processor would wait for one after the other. Therefore the loop prefetches this
// memory for the next Events while it delivers the present ones.
const (
	prefetchFrom = 256 // with fewer descriptors all is in the cache
	stackBelow   = 128 // how far a sleeping task's stack continues below Sleep's frame
	stackLines   = 10  // what a task touches of its stack when it continues
	gLines       = 7
)

// A lookahead has the next Events in stages: what one stage prefetches, the following one reads.
// The pointers are hints: user code may meanwhile have closed the object that a pointer refers to.
type lookahead struct {
	w *Watch     // of the Event r.next+3
	d *desc.Desc // of the Event r.next+2
	t *Task      // of the Event r.next+1
}

// advance moves each Event to its next stage. The turn calls it before it delivers an Event.
func (a *lookahead) advance(r *Reactor) {
	if t := a.t; t != nil {
		prefetch.Lines(t.stack, stackLines)
		prefetch.Lines(t.g, gLines)
		a.t = nil
	}
	if d := a.d; d != nil {
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
	if i := r.next + 3; i < r.batch {
		ev := &r.events[i]
		if w, ok := r.table.Get(ev.FD, ev.Gen); ok {
			a.w = w
			prefetch.Lines(uintptr(unsafe.Pointer(w)), 1)
		}
	}
}
