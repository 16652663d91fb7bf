package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// register registers the Desc with its Waiter for a direction, unless it is registered already.
func (d *Desc) register(dir Dir, c *Call) (e Errno) {
	d.lock()
	if !d.reports(dir) && !d.closed {
		e = d.registerNow(dir == Out)
	}
	c.registered = d.reports(dir)
	d.unlock()
	return e
}

// reports returns whether each Event of a direction is delivered; locked.
func (d *Desc) reports(dir Dir) bool {
	return d.registered && (dir == In || d.output || d.Transient)
}

// registerNow registers the Desc, resumes its suspended registration, or adds output to its
// registration; locked. Output is not registered before a call waits for it: a Unix socket would
// report an Event whenever the peer has received.
func (d *Desc) registerNow(output bool) (e Errno) {
	output = output && !d.Transient // a Poller is never writable; a kqueue refuses that with EINVAL
	// Hooks are called once for each Event, also if no call receives the input that the Event
	// reports.
	hooks := d.extra != nil && (d.extra.onArrival != nil || d.extra.onEvent != nil)
	return d.registerAs(output, d.UnixStream && !d.shared && !output && !hooks)
}

func (d *Desc) registerAs(output, level bool) (e Errno) {
	want := poller.Interest(poller.In)
	if output {
		want |= poller.Out
	}
	if !level {
		want |= poller.Edge
	}
	if d.suspended || d.registered {
		e = d.Waiter.Rearm(d, want)
	} else {
		e = d.Waiter.Register(d, want)
	}
	if e == 0 {
		d.registered, d.output, d.level, d.suspended = true, output, level, false
	}
	return e
}

// dropOutput ends the registration for output, because an Event for output alone has come and no
// call waits for it; locked. If the system call fails, Events for output continue to come, which
// only costs time.
func (d *Desc) dropOutput() {
	_ = d.registerNow(false)
}

// Drains returns whether a call may wait for an Event after a short recv: either that recv has
// emptied the socket, or an Event will report the rest.
func (d *Desc) Drains() bool { return d.ShortIsAll || !d.shared && d.level }

// suspend suspends the registration if keep is set, else unregisters the Desc; locked. A Transient
// Desc is suspended when its call ends. A level-triggered Desc is suspended when no call receives
// the input that an Event has reported.
func (d *Desc) suspend(keep bool) {
	d.registered, d.output, d.level = false, false, false
	// Edge alone is an interest in no readiness, but each Poller accepts it as a registration.
	if d.suspended = keep && d.Waiter.Rearm(d, poller.Edge) == 0; !d.suspended {
		d.Waiter.Unregister(d)
	}
}

// unregistered notes that the registration of this generation is lost.
func (d *Desc) unregistered(gen uint32) {
	d.lock()
	defer d.unlock()
	if d.Gen == gen && !d.closed {
		d.registered, d.output, d.suspended = false, false, false
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
	switch { // nobody receives or sends now
	case sleeper != nil:
	case d.level && dir == In && s.busy:
		// The holder of the turn is doing something else, and will try again.
		_ = d.registerAs(false, false)
	case d.level && dir == In:
		d.suspend(true)
	case s.busy:
	case d.output && i == poller.Out && onEvent == nil:
		d.dropOutput()
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

// SetReady sets the ready flag of a direction and wakes the caller that waits for it. A call that
// has received input without the direction's turn calls SetReady, because the Event for that input
// may not come any more.
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
	return d.setHook(&d.ensureExtra().onEvent, f, Out)
}

// OnArrival sets f, which is called after each Event that may mean input, by the loop or the
// background goroutine; nil removes it. Readiness that exists already may be delivered too.
func (d *Desc) OnArrival(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	return d.setHook(&d.ensureExtra().onArrival, f, In)
}

// setHook makes *hook f, which gets the Events of a direction; locked.
func (d *Desc) setHook(hook *func(), f func(), dir Dir) (e Errno) {
	before := *hook
	*hook = f
	if f != nil && (!d.reports(dir) || d.level) {
		if e = d.registerNow(dir == Out || d.output); e != 0 {
			*hook = before
		}
	}
	return e
}
