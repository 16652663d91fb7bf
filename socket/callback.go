package socket

import (
	"runtime"
	"sync/atomic"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A callback has the function of option 20. The Desc has only a weak pointer to the Socket. So if
// nothing but its own callback refers to a Socket, the Socket is unreachable, and the garbage
// collector closes it.
type callback struct {
	f      func(*Socket)
	stale  bool // an Event may report old input that waited at SetCallback, which is no arrival
	amount int  // how many bytes of old input waited; -1 if unknown
	ready  poller.Readiness
	posted atomic.Bool // a call of f is posted; arrivals until it runs post no other call
	run    func()      // calls f with `of` on a loop; made once, because each Event posts it
	of     *Socket     // the Socket for f, while run runs
}

const arrival = poller.In | poller.Err | poller.Hup

// SetCallback sets f, which is called after each arrival: data, a connection to accept, or the end
// of input. Input that waits already is not reported. An arrival during the call of SetCallback may
// be reported twice. Sockets of NewOn call f on their loop; all Sockets of New share one goroutine.
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
	registered := d.Registered() // then Events have reported the input that waits
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
		handle := weak.Make(s) // the function must not refer to c, because f may refer to s
		e = d.OnArrival(func() { arrived(handle) })
		if e != 0 {
			s.call.Store(nil)
		}
	}
	runtime.KeepAlive(s)
	return fail(opSetOpt, e)
}

// arrived handles an Event. It runs on the loop, or on the background goroutine, which must not
// call user code.
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
			if s.call.Load() == c { // the callback is not replaced, and the Socket is not closed
				c.f(s)
			}
		})
	}
}

// news returns whether input has come since SetCallback. If the kernel cannot report how much
// input waits, news returns true: the kernel reports an arrival once, so a needless call is better
// than a missing one.
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
