package socket

import (
	"runtime"
	"sync/atomic"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A callback has the function of option 20 (see SetCallback). The Desc has only a weak pointer to
// the Socket. So if only its own callback refers to a Socket, the garbage collector closes the
// Socket.
type callback struct {
	f      func(*Socket)
	stale  bool // an Event may report input that waited before SetCallback; that is no arrival
	amount int  // how many bytes waited before SetCallback; -1 if unknown
	ready  poller.Readiness
	posted atomic.Bool // a call of f is posted; until it runs, arrivals post no other call
	run    func()      // calls f with `of` on a loop; made once, because each Event posts it
	of     *Socket     // the argument of f, while run runs
}

const arrival = poller.In | poller.Err | poller.Hup

// SetCallback makes the socket call f after each arrival: of data, of a connection to accept, or of
// the end of input. Input that already waits is not reported. If something arrives during
// SetCallback, f may be called twice for it. A nil f removes the callback. An accepted socket has
// no callback at first.
//
// A Socket of NewOn calls f on its loop. The Sockets of New call their functions on one common
// goroutine. f is never called inside another call of user code.
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
	registered := d.Registered() // if registered, Events have reported the input that waits
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

// arrived handles an Event. It runs on the loop or on the background goroutine. It must not call
// user code itself.
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
			if s.call.Load() == c { // the callback was not replaced, and the Socket is open
				c.f(s)
			}
		})
	}
}

// news returns whether input has come since SetCallback. If the kernel cannot report how much input
// waits, news returns true. The kernel reports an arrival only once, so a call too many is better
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
