package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// register registers the Desc for a direction, unless the Desc is registered for it already.
func (d *Desc) register(dir Dir, c *Call) (e Errno) {
	d.lock()
	if !d.reports(dir) && !d.closed {
		e = d.registerAs(d.kindFor(dir == Out)) // not by registerNow, as announces explains
	}
	c.registered = d.reports(dir)
	d.unlock()
	return e
}

// announces returns whether a call may register the Desc and then sleep without a try. A
// registration also reports input that is there already. If announces returns false, the call tries
// first. So a cancelled task still receives the input that is there. announces does not register
// itself, because its frame would be too much for the stack of a task (TestIdleTaskStack).
func (d *Desc) announces() bool {
	return !d.shared && d.Waiter.CanSleep(In) && !d.Waiter.Has(d.FD)
}

// reports returns whether each Event of the direction is delivered. The Desc is locked.
func (d *Desc) reports(dir Dir) bool {
	return d.registered && (dir == In || d.output || d.Transient)
}

// registerNow registers the Desc, resumes its suspended registration, or adds output to its
// registration. The Desc is locked. Output is registered only when a call waits for it. Otherwise a
// Unix socket would report an Event each time the peer has received.
func (d *Desc) registerNow(output bool) (e Errno) { return d.registerAs(d.kindFor(output)) }

// kindFor returns the arguments of registerAs for a registration with output, or without.
func (d *Desc) kindFor(output bool) (out, level bool) {
	// A Poller's descriptor is never writable, and a kqueue refuses Out for it with EINVAL.
	output = output && !d.Transient
	// A hook needs each Event. A level-triggered Desc is suspended if no call receives the input, and
	// would then get no more Events.
	return output, d.UnixStream && !d.shared && !output && !d.hooked
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

// dropOutput ends the registration for output. It is called if an Event reports only output, and no
// call waits for output. The Desc is locked. If the system call fails, more such Events come. They
// only cost time.
func (d *Desc) dropOutput() {
	_ = d.registerNow(false)
}

// Drains returns whether a call may wait for an Event after a short recv. It may if the recv has
// emptied the socket, or if the registration is level-triggered, so that an Event reports the rest.
func (d *Desc) Drains() bool { return d.ShortIsAll || !d.shared && d.level }

// suspend ends the registration, or suspends it if keep is set. The Desc is locked. A Transient
// Desc is suspended when its call ends. A level-triggered Desc is suspended if an Event has
// reported input that no call receives.
func (d *Desc) suspend(keep bool) {
	d.registered, d.output, d.level = false, false, false
	// Edge alone is an interest in nothing. Every Poller accepts it for a registration.
	if d.suspended = keep && d.Waiter.Rearm(d, poller.Edge) == 0; !d.suspended {
		d.Waiter.Unregister(d)
	}
}

// unregistered records that the registration with this generation does not exist any more.
func (d *Desc) unregistered(gen uint32) {
	d.lock()
	defer d.unlock()
	if d.Gen == gen && !d.closed {
		d.registered, d.output, d.suspended = false, false, false
	}
}

// Ready delivers an Event with the readiness i. For each direction that i concerns, it sets the
// ready flag and wakes the call that waits. Only the Waiter calls Ready.
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
	if d.hooked {
		onArrival, onEvent = d.extra.onArrival, d.extra.onEvent
	}
	switch { // no call receives or sends now
	case sleeper != nil:
	case d.level && dir == In && s.busy:
		// The holder of the turn does something else now. It tries again later.
		_ = d.registerAs(false, false)
	case d.level && dir == In:
		d.suspend(true)
	case s.busy:
	case d.output && i == poller.Out && onEvent == nil:
		d.dropOutput()
	}
	d.unlock()
	if sleeper != nil {
		sleeper.Wake() // on a loop the task runs later, after Ready
	}
	if onArrival != nil && dir == In {
		onArrival()
	}
	if onEvent != nil {
		onEvent()
	}
}

// TakeInput is Ready for an Event that reports input and that only the call which waits for input
// needs. Instead of waking that call, TakeInput returns true. Otherwise it does nothing and returns
// false.
func (d *Desc) TakeInput(i poller.Readiness) bool {
	if i&poller.In == 0 || i&^(poller.In|poller.Out|poller.End) != 0 || d.dirs[In].waiting == nil || d.hooked {
		return false
	}
	if i&poller.Out != 0 {
		if d.dirs[Out].waiting != nil {
			return false
		}
		d.dirs[Out].ready = true
	}
	d.dirs[In].ready = true
	d.endSeen = d.endSeen || i&poller.End != 0
	return true
}

// EndSeen returns whether an Event has reported the peer's FIN, an error or an urgent byte. After
// such an Event a short read does not prove that the socket is empty.
func (d *Desc) EndSeen() bool {
	d.lock()
	defer d.unlock()
	return d.endSeen
}

// SetReady sets the ready flag of a direction and wakes the call that waits. A call that has
// received input without holding the turn calls SetReady, because no other Event may come for that
// input.
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

// Registered returns whether the Desc is registered, so that its Events are delivered.
func (d *Desc) Registered() bool {
	d.lock()
	defer d.unlock()
	return d.registered
}

// OnEvent makes the loop or the background goroutine call f after each Event. A nil f ends that. If
// no call has waited before, f is also called for readiness that exists already.
func (d *Desc) OnEvent(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	return d.setHook(&d.ensureExtra().onEvent, f, Out)
}

// OnArrival makes the loop or the background goroutine call f after each Event that may report
// input. A nil f ends that. f may also be called for readiness that exists already.
func (d *Desc) OnArrival(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	return d.setHook(&d.ensureExtra().onArrival, f, In)
}

// setHook sets *hook to f, and makes sure that Events of the direction are delivered. The Desc is
// locked.
func (d *Desc) setHook(hook *func(), f func(), dir Dir) (e Errno) {
	before := *hook
	set := func(f func()) {
		*hook = f
		d.hooked = d.extra.onArrival != nil || d.extra.onEvent != nil
	}
	set(f)
	if f != nil && (!d.reports(dir) || d.level) {
		if e = d.registerNow(dir == Out || d.output); e != 0 {
			set(before)
		}
	}
	return e
}
