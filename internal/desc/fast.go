package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// The fast path makes the two calls that move nearly all messages of a loop's tasks: a receive and
// a send. It does the same as Do, without a closure and without a deferred function. No other code
// runs between its tries and its sleeps. So it holds the turn only while it sleeps, and a reference
// only during a try. If a call needs more than that, the fast path calls doSlow.
//
// Do has a fast path too. Its try may run user code, which may wait or panic. So Do holds the turn
// and a reference during the try, and a deferred function releases them.

// fast returns whether the call may use the fast path.
func (d *Desc) fast(dir Dir, c *Call) bool {
	if d.shared || d.closed || d.endSeen || d.dirs[dir].busy || d.Transient {
		return false
	}
	return d.dirs[In].spent < budget && c.Limit.Blocks() && (!d.dated || !d.dirExpired(dir, c))
}

// Recv is Do with recv(2). If flags is 0, the caller sets Call.NeedsNew to d.Drains().
func (d *Desc) Recv(c *Call, p []byte, flags int) (n int, e Errno) {
	if !d.fast(In, c) {
		return d.recvSlow(c, p, flags)
	}
	s := &d.dirs[In]
	e, untried := kernel.EAGAIN, c.NeedsNew && s.drained && !s.ready &&
		(d.registered || d.announces() && d.register(In, c) == 0)
	s.drained = false
	if !untried {
		n, e = d.recv(p, flags)
	}
	if e == kernel.EAGAIN {
		// After a switch of stacks the processor mispredicts where each function returns to. So
		// Recv itself sleeps, and not a function that it calls.
		why := Errno(0)
		if !d.registered {
			why = d.register(In, c) // not in beginSleep, for the same reason as in Do
		}
		if why == 0 {
			why = d.beginSleep(In, c)
		}
		for why == 0 && !s.ready && !d.closed {
			next := d.next(In, c)
			if why = s.waiting.Sleep(In, next); why == kernel.ETIMEDOUT && d.next(In, c) > next {
				why = 0 // SetDeadline has moved the deadline to later
			}
		}
		if s.waiting != nil {
			why = d.endSleep(In, c, why)
		}
		if why != 0 && !(untried && lastTry(why)) {
			return 0, why
		}
		if n, e = d.recv(p, flags); e == kernel.EAGAIN {
			if why != 0 {
				return 0, why
			}
			c.tried = true
			return d.recvSlow(c, p, flags)
		}
	}
	s.drained = c.NeedsNew && 0 < n && n < len(p)
	d.endFast(c, n, e)
	return n, e
}

// recv makes one try. It clears the ready flag before the try, so that an Event during the try is
// not lost.
func (d *Desc) recv(p []byte, flags int) (n int, e Errno) {
	d.dirs[In].ready = false
	d.refs++
	n, e = d.Kernel.Recv(d.FD, p, flags)
	d.drop()
	return n, e
}

func (d *Desc) recvSlow(c *Call, p []byte, flags int) (int, Errno) {
	return d.doSlow(In, c, func() (int, Errno) {
		n, e := d.Kernel.Recv(d.FD, p, flags)
		c.Drained = c.NeedsNew && 0 < n && n < len(p)
		return n, e
	})
}

// SendAll is Pour with send(2). One try sends no more than `most` bytes of p.
func (d *Desc) SendAll(c *Call, p []byte, most int) (n int, e Errno) {
	if len(p) <= most && d.fast(Out, c) {
		d.dirs[Out].ready = false
		d.refs++
		n, e = d.Kernel.Send(d.FD, p, 0)
		d.drop()
		if e != kernel.EAGAIN && (e != 0 || n == len(p)) {
			d.endFast(c, n, e)
			return n, e
		}
		if c.tried = e == kernel.EAGAIN; !c.tried {
			d.charge(Out, c, n)
		}
	}
	return d.sendSlow(c, p, n, most)
}

func (d *Desc) sendSlow(c *Call, p []byte, sent, most int) (int, Errno) {
	n, e := d.Pour(c, p[sent:], func(p []byte) (int, Errno) { return d.Kernel.Send(d.FD, p[:min(len(p), most)], 0) })
	return sent + n, e
}

// drop releases the reference of a try.
func (d *Desc) drop() {
	if d.refs--; d.closed && d.refs == 0 {
		d.finish()
	}
}

// endFast ends a call that has moved n bytes on the fast path.
func (d *Desc) endFast(c *Call, n int, e Errno) {
	d.dirs[In].spend(c, n>>loopShift)
	if e == kernel.ETIMEDOUT {
		d.NoteTimedOut()
	}
	d.checkState()
}

// beginSleep does the work of wait before a sleep of the fast path.
func (d *Desc) beginSleep(dir Dir, c *Call) Errno {
	sleeper, e := d.Waiter.Sleeper()
	if e != 0 {
		return e
	}
	s := &d.dirs[dir]
	if !s.ready && !d.closed {
		sleeper.Unwind(dir) // from here on nothing panics, so nothing must be deferred
	}
	s.busy = true
	d.dirs[In].spent = 0
	c.waited = true
	c.step = timeout.Never
	c.deadline(d.Kernel)
	s.waiting = sleeper
	return 0
}

// endSleep does the work of wait after the sleep, and passes the turn on, although the call still
// makes a try. The next call cannot run before that try, because no other code runs in between.
func (d *Desc) endSleep(dir Dir, c *Call, e Errno) Errno {
	e = d.slept(dir, c, e)
	d.passTurn(dir)
	return e
}

// slept is endSleep for a call that keeps the turn.
func (d *Desc) slept(dir Dir, c *Call, e Errno) Errno {
	s := &d.dirs[dir]
	s.waiting = nil
	switch {
	case d.closed:
		return kernel.EBADF
	case s.ready && e == kernel.ETIMEDOUT:
		c.lastTry = true
		return 0
	}
	return e
}
