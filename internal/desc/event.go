package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// register registers the Desc with its Waiter, unless that has been done.
func (d *Desc) register(c *Call) (e Errno) {
	d.lock()
	if !d.registered && !d.closed {
		e = d.registerNow()
	}
	c.registered = d.registered
	d.unlock()
	return e
}

// registerNow makes the registration, or resumes a suspended one; locked.
func (d *Desc) registerNow() (e Errno) {
	all := poller.In | poller.Out | poller.Edge
	if d.Transient { // a Poller is never writable, and a kqueue refuses that interest with EINVAL
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

// suspend suspends the registration of a Transient Desc if keep is set, else unregisters it;
// locked.
func (d *Desc) suspend(keep bool) {
	d.registered = false
	// Edge alone is an interest in nothing, but it is a registration in every Poller.
	if d.suspended = keep && d.Waiter.Rearm(d, poller.Edge) == 0; !d.suspended {
		d.Waiter.Unregister(d)
	}
}

// Ready delivers an Event. It sets the ready flag of each direction that the readiness i concerns,
// and wakes the caller that waits for it. The Waiter calls it.
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
	var onArrival, onEvent func()
	if d.extra != nil {
		onArrival, onEvent = d.extra.onArrival, d.extra.onEvent
	}
	d.unlock()
	if sleeper != nil {
		sleeper.Wake() // on a loop this runs the task, which may do anything to d
	}
	if onArrival != nil && dir == In {
		onArrival()
	}
	if onEvent != nil {
		onEvent()
	}
}

// EndSeen returns whether an Event has reported the peer's FIN, an error or an urgent byte. From
// then on a short read does not prove that the socket is empty.
func (d *Desc) EndSeen() bool {
	d.lock()
	defer d.unlock()
	return d.endSeen
}

// SetReady sets the ready flag of a direction and wakes the caller that waits for it. Call it after
// receiving outside a call's turn, because the Event for that input may not come any more.
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

// Registered returns whether Events of the descriptor are delivered.
func (d *Desc) Registered() bool {
	d.lock()
	defer d.unlock()
	return d.registered
}

// OnEvent sets f, which is called after each Event, by the loop or the background goroutine; nil
// removes it. If no call has waited before, readiness that exists already is delivered too.
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

// OnArrival sets f, which is called after each Event that may mean input, by the loop or the
// background goroutine; nil removes it. Readiness that exists already may be delivered too.
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

// ensureRegistered registers the Desc if f is not nil; locked.
func (d *Desc) ensureRegistered(f func()) (e Errno) {
	if f != nil && !d.registered {
		e = d.registerNow()
	}
	return e
}
