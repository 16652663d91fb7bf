package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// wait sleeps until a word for the direction has come, the deadline, or Close. It keeps little on the stack, as do all below:
// a task sleeps at this depth, and a few words more would double its stack (see TestIdleTaskStack in package socket).
func (d *Desc) wait(dir Dir, c *Call) Errno {
	s := &d.dirs[dir]
	c.deadline(d.Kernel)
	if c.step = timeout.Never; c.Step > 0 {
		c.step = c.Step.After(d.Kernel.Now())
	}
	d.lock()
	// Linux's recv says EAGAIN before TCP's urgent byte also with data behind it, if the thread has a signal to take; the
	// runtime sends many. No Event would come, so after one that has told of such a byte EAGAIN counts the second time.
	if c.retried = d.endSeen && dir == In && !c.retried; c.retried {
		d.unlock()
		return 0
	}
	sleeper, e := d.sleeper(dir)
	if e != 0 {
		d.unlock()
		return e
	}
	for e == 0 && !s.ready && !d.closed {
		*d.spent(dir) = 0
		s.waiting = sleeper
		next := d.next(dir, c)
		d.unref(dir, c)
		d.unlock()
		e = sleeper.Sleep(dir, next)
		d.lock()
		if s.waiting = nil; !d.closed {
			d.ref(dir, c)
		}
		if e == kernel.ETIMEDOUT && (next == c.step || d.next(dir, c) > next) {
			if e = 0; next == c.step {
				e = d.stepped(dir, c)
				break
			} // else SetDeadline has moved it before that was noticed
		}
	}
	switch {
	case d.closed:
		e = kernel.EBADF
	case s.ready && e != kernel.ECANCELED && (e != 0 || c.waited):
		e = d.readyAt(dir, c, e)
	}
	s.ready = false // before the next try
	c.waited = true
	d.unlock()
	return e
}

// readyAt ends a sleep that has ended with e although there is something: ready beats timeout (D7), once, for a peer that
// never pauses makes every try a last one. A call's first sleep that a word has ended needs no look at the clock. Locked.
func (d *Desc) readyAt(dir Dir, c *Call, e Errno) Errno {
	if e == 0 && !d.due(dir, c) {
		return 0
	}
	if c.lastTry {
		return kernel.ETIMEDOUT
	}
	c.lastTry = true
	return 0
}

// due tells whether a deadline of the call has passed; locked.
func (d *Desc) due(dir Dir, c *Call) bool {
	until := timeout.Never
	if c.begun {
		until = c.until
	}
	until = d.withDirDeadline(dir, c, until)
	return until != timeout.Never && until.Passed(d.Kernel.Now())
}

// next is when wait has to look again; locked.
func (d *Desc) next(dir Dir, c *Call) timeout.Deadline {
	until := c.step
	if c.begun {
		until = until.Sooner(c.until)
	}
	return d.withDirDeadline(dir, c, until)
}

// stepped is ETIMEDOUT if a deadline came with the step; locked.
func (d *Desc) stepped(dir Dir, c *Call) Errno {
	step := c.step
	c.step = timeout.Never
	if d.next(dir, c) <= step {
		return kernel.ETIMEDOUT
	}
	return 0
}

// sleeper is the holder's.
func (d *Desc) sleeper(dir Dir) (Sleeper, Errno) {
	if !d.shared {
		return d.Waiter.Sleeper()
	}
	l := d.line(dir)
	if l.sleeper == nil {
		k, e := d.Waiter.Sleeper()
		if e != 0 {
			return nil, e
		}
		l.sleeper = k
	}
	return l.sleeper, 0
}

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

// enlist makes the registration, or wakes it; locked.
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

// rest ends the registration of a Transient Desc, or has it told of nothing; locked.
func (d *Desc) suspend(stay bool) {
	d.registered = false
	// Edge alone asks for nothing, but is a registration in every Poller.
	if d.suspended = stay && d.Waiter.Rearm(d, poller.Edge) == 0; !d.suspended {
		d.Waiter.Unregister(d)
	}
}

// Ready is an Event: it leaves a word for each direction that it is news for, and wakes who waits for it. The Waiter
// calls it.
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

// Ended tells whether an Event has said that a try that took less than it could is not the last: the peer's FIN, an error,
// or an urgent byte has come.
func (d *Desc) EndSeen() bool {
	d.lock()
	defer d.unlock()
	return d.endSeen
}

// Tell leaves a word for a direction: for whoever has taken, outside a call's turn, what an Event would have told of, for
// then it does not come.
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
