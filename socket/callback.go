package socket

import (
	"runtime"
	"sync/atomic"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A callback is option 20's function. The Desc, which is in tables, knows the Socket weakly: a
// Socket that only its own callback has is closed by the garbage collector like any other.
type callback struct {
	f      func(*Socket)
	stale  bool // what waited at SetCallback may still be told; that is no arrival
	amount int  // of it; -1: unknown
	ready  poller.Readiness
	posted atomic.Bool // one call is on its way: arrivals until then are one
	run    func()      // calls f with of, on a loop: made once, for it is called for each Event
	of     *Socket     // while that lasts
}

const arrival = poller.In | poller.Err | poller.Hup

// SetCallback sets f, which is called after each arrival: data, a connection to accept, or the end
// of input. What waits already is not reported. An arrival during the call of SetCallback may be
// reported twice. The Sockets of NewOn call f on their loop, those of New on one goroutine for all.
// f is never called inside another call of user code. nil removes f. An accepted socket starts
// without a callback.
func (s *Socket) SetCallback(f func(*Socket)) error {
	if f == nil {
		s.call.Store(nil)
		e := s.d.OnArrival(nil)
		runtime.KeepAlive(s)
		return fail(opSetOpt, e)
	}
	d := s.d
	c := &callback{f: f}
	c.run = func() { c.f(c.of) }
	registered := d.Registered() // then what waits has been told
	if w, ok := d.Waiter.(interface{ Callbacks() }); ok {
		w.Callbacks()
	}
	e := d.Use(func(fd int) (e desc.Errno) {
		c.ready, e = d.Kernel.Ready(fd)
		c.stale = !registered && c.ready&arrival != 0
		c.amount = kernel.Waiting(below(d.Kernel), fd)
		return e
	})
	if e == 0 {
		s.call.Store(c)
		handle := weak.Make(s) // and nothing else: c has f, which may well have the Socket
		e = d.OnArrival(func() { arrived(handle) })
		if e != 0 {
			s.call.Store(nil)
		}
	}
	runtime.KeepAlive(s)
	return fail(opSetOpt, e)
}

// arrived is an Event: on the loop, or on the goroutine that runs no code of the user's.
func arrived(handle weak.Pointer[Socket]) {
	s := handle.Value()
	if s == nil {
		return
	}
	c := s.call.Load()
	if c == nil {
		return
	}
	if c.stale {
		c.stale = false
		if !c.news(s.d) {
			return
		}
	}
	if !s.d.Waiter.Shared() {
		c.of = s
		s.d.Waiter.Call(c.run)
		c.of = nil
		return
	}
	if c.posted.CompareAndSwap(false, true) {
		s.d.Waiter.Post(func() {
			c.posted.Store(false)
			if s.call.Load() == c { // neither cleared, nor replaced, nor closed
				c.f(s)
			}
		})
	}
}

// news tells whether more than what waited at SetCallback is there. If the kernel cannot tell how
// much waits, news assumes that something has come. The kernel reports an arrival once, so a call
// too many is better than none.
func (c *callback) news(d *desc.Desc) bool {
	more := false
	d.Use(func(fd int) desc.Errno {
		ready, _ := d.Kernel.Ready(fd)
		now := kernel.Waiting(below(d.Kernel), fd)
		more = ready&arrival&^c.ready != 0 || now != c.amount || now < 0
		return 0
	})
	return more
}
