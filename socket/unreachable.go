package socket

import (
	"runtime"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// The garbage collector closes a Socket that is unreachable: a cleanup of package runtime calls
// release. To add a cleanup and to stop it costs as much as several allocations, and most accepted
// Sockets are closed soon. So an accepted Socket first gets a place in the nursery of its listener,
// which keeps the Socket reachable. It leaves the nursery, and gets its cleanup, when the garbage
// collector has run, or when the listener has accepted nurseryPlaces more. So an accepted Socket
// that nobody else refers to is closed after the second collection.
//
// guard has the state:
//
//	nil      closed, or of a simulated kernel
//	young    in a nursery
//	other    the cleanup

// nurseryPlaces limits the Sockets that a nursery keeps reachable.
const nurseryPlaces = 128

// young is the guard of a Socket in a nursery.
var young runtime.Cleanup

// A nursery may be used by any goroutine.
type nursery struct {
	places [nurseryPlaces]atomic.Pointer[Socket]
	last   atomic.Uint32 // the place of the last Socket, modulo nurseryPlaces
	awaits atomic.Bool   // collected will be called
}

// A sentinel is unreachable from the beginning. So its cleanup runs after the next collection. It
// has a pointer, because the runtime may never free a small object without pointers.
type sentinel struct{ _ *nursery }

// addToNursery gives a Socket that the listener has accepted a place in the nursery.
func (s *Socket) addToNursery(conn *Socket) {
	if conn.keepsUnreachable() {
		return
	}
	n := s.nursery.Load()
	if n == nil {
		s.nursery.CompareAndSwap(nil, new(nursery))
		n = s.nursery.Load()
	}
	conn.guard.Store(&young)
	if old := n.places[n.last.Add(1)%nurseryPlaces].Swap(conn); old != nil {
		old.leaveNursery()
	}
	if !n.awaits.Load() && !n.awaits.Swap(true) {
		runtime.AddCleanup(&sentinel{}, (*nursery).collected, n)
	}
}

// collected empties the nursery. awaits is cleared first, so that a Socket that comes meanwhile has
// a sentinel.
func (n *nursery) collected() {
	n.awaits.Store(false)
	for i := range n.places {
		if s := n.places[i].Swap(nil); s != nil {
			s.leaveNursery()
		}
	}
}

func (s *Socket) leaveNursery() {
	if s.guard.Load() == &young {
		s.addCleanup(&young)
	}
}

// closeIfUnreachable is called once for a new Socket that is not accepted.
func (s *Socket) closeIfUnreachable() {
	if !s.keepsUnreachable() {
		s.addCleanup(nil)
	}
}

// addCleanup makes the garbage collector close the Socket if it is unreachable, unless the Socket
// has been closed since its guard was old.
func (s *Socket) addCleanup(old *runtime.Cleanup) {
	c := runtime.AddCleanup(s, release, s.d)
	if !s.guard.CompareAndSwap(old, &c) {
		c.Stop()
	}
}

// stopCleanup ends the part of the garbage collector, before the Socket is closed.
func (s *Socket) stopCleanup() {
	if c := s.guard.Swap(nil); c != nil && c != &young {
		c.Stop()
	}
}

func (s *Socket) keepsUnreachable() bool { return s.d.Kernel.Traits().KeepsUnreachable }

// release closes the Desc of a Socket that is unreachable. If a loop knows the Desc, the loop
// closes it. Otherwise release closes it at once, because the loop may never run. (Only the loop
// may use a simulated kernel.)
func release(d *desc.Desc) {
	if d.Waiter.Shared() || below(d.Kernel) == kernel.Host && d.Idle() || !d.Waiter.Post(func() { d.Close() }) {
		d.Close()
	}
}
