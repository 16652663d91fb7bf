package desc

import (
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// register has Events of the Desc told from now on.
func (d *Desc) register(c *Call) (e Errno) {
	d.lock()
	if !d.registered && !d.closed {
		e = d.registerNow()
	}
	c.registered = d.registered
	d.unlock()
	return e
}

// registerNow makes the registration, or wakes it; locked.
func (d *Desc) registerNow() (e Errno) {
	all := poller.In | poller.Out | poller.Edge
	if d.Transient { // a Poller is never writable, and a kqueue refuses (EINVAL) to be asked
		all = poller.In | poller.Edge
	}
	if d.suspended {
		e = d.Waiter.Rearm(d, all)
	} else {
		e = d.Waiter.Register(d, all)
	}
	d.registered = e == 0
	d.suspended = d.suspended && e != 0
	return e
}

// suspend ends the registration of a Transient Desc, or has it told of nothing; locked.
func (d *Desc) suspend(stay bool) {
	d.registered = false
	// Edge alone asks for nothing, but is a registration in every Poller.
	if d.suspended = stay && d.Waiter.Rearm(d, poller.Edge) == 0; !d.suspended {
		d.Waiter.Unregister(d)
	}
}

// Ready is an Event: it leaves a word for each direction that it is news for, and wakes who waits
// for it. The Waiter calls it.
func (d *Desc) Ready(i poller.Readiness) {
	if i&eventsFor[In] != 0 {
		d.ready(In, i)
	}
	if i&eventsFor[Out] != 0 {
		d.ready(Out, i)
	}
}

func (d *Desc) ready(dir Dir, i poller.Readiness) {
	d.lock()
	s := &d.dirs[dir]
	s.ready = true
	if i&(poller.Err|poller.Hup|poller.End) != 0 {
		d.endSeen = true
	}
	sleeper := s.waiting
	var tell, news func()
	if d.extra != nil {
		tell, news = d.extra.onArrival, d.extra.onEvent
	}
	d.unlock()
	if sleeper != nil {
		sleeper.Wake() // on a loop this runs the task, which may do anything to d
	}
	if tell != nil && dir == In {
		tell()
	}
	if news != nil {
		news()
	}
}

// EndSeen tells whether an Event has said that a try that took less than it could is not the last:
// the peer's FIN, an error, or an urgent byte has come.
func (d *Desc) EndSeen() bool {
	d.lock()
	defer d.unlock()
	return d.endSeen
}

// SetReady leaves a word for a direction: for whoever has taken, outside a call's turn, what an
// Event would have told of, for then it does not come.
func (d *Desc) SetReady(dir Dir) {
	d.lock()
	s := &d.dirs[dir]
	s.ready = true
	sleeper := s.waiting
	d.unlock()
	if sleeper != nil {
		sleeper.Wake()
	}
}

// A Hook is called once when the Desc closes, before its number can belong to anybody else. It may
// use the number (to take it out of a Poller) but not call on the Desc.
type Hook struct{ F func() }

// AddHook has f called at Close. EBADF when that has happened.
func (d *Desc) AddHook(h *Hook) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	x := d.ensureExtra()
	x.hooks = append(x.hooks, h)
	return 0
}

// DelHook takes the hook out.
func (d *Desc) DelHook(h *Hook) {
	d.lock()
	defer d.unlock()
	if d.extra == nil {
		return
	}
	if i := slices.Index(d.extra.hooks, h); i >= 0 {
		d.extra.hooks = slices.Delete(d.extra.hooks, i, i+1)
	}
}

// Registered tells whether Events of the descriptor are told.
func (d *Desc) Registered() bool {
	d.lock()
	defer d.unlock()
	return d.registered
}

// OnEvent has f called after each Event, by the loop or the background; nil ends that. What is
// ready now is told too, if nothing has waited before.
func (d *Desc) OnEvent(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	if e := d.ensureRegistered(f); e != 0 {
		return e
	}
	d.ensureExtra().onEvent = f
	return 0
}

// ensureRegistered registers the Desc if there is somebody to tell; locked.
func (d *Desc) ensureRegistered(f func()) (e Errno) {
	if f != nil && !d.registered {
		e = d.registerNow()
	}
	return e
}

// OnArrival has f called after each Event that may mean input, by the loop or the background; nil
// ends that. What is ready now may be told too.
func (d *Desc) OnArrival(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	if e := d.ensureRegistered(f); e != 0 {
		return e
	}
	d.ensureExtra().onArrival = f
	return 0
}

func (d *Desc) ensureExtra() *extra {
	if d.extra == nil {
		d.extra = &extra{}
	}
	return d.extra
}
