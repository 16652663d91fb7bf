package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// The short way: Do for the two calls that move nearly all messages of a loop's tasks. It has no
// closure, and a deferred function only where the task sleeps. No code of others runs between its
// tries and its sleeps, so it has the turn and a reference only where they matter: the turn while
// it sleeps, the reference in a try. Where anything stands in the way it leaves the call to Do,
// which goes on with it.

// clear tells whether a call may go the short way.
func (d *Desc) clear(dir Dir, c *Call) bool {
	if d.shared || d.closed || d.endSeen || d.dirs[dir].busy || d.Transient {
		return false
	}
	return d.dirs[In].spent < budget && c.Limit.Blocks() && (d.queues == nil || !d.dirExpired(dir, c))
}

// Recv is Do with recv(2). With Call.More, less than there is room for is all there was.
func (d *Desc) Recv(c *Call, p []byte, flags int) (n int, e Errno) {
	if !d.clear(In, c) {
		return d.recvLong(c, p, flags)
	}
	s := &d.dirs[In]
	e, untried := kernel.EAGAIN, c.NeedsNew && s.drained && !s.ready && d.registered
	s.drained = false
	if !untried {
		n, e = d.recv(p, flags)
	}
	if e == kernel.EAGAIN {
		why := Errno(0)
		if !d.registered {
			why = d.register(c) // not in doze, as in Do
		}
		if why == 0 {
			why = d.doze(In, c)
		}
		if why != 0 && !(untried && lastTry(why)) {
			return 0, why
		}
		if n, e = d.recv(p, flags); e == kernel.EAGAIN {
			if why != 0 {
				return 0, why
			}
			c.tried = true
			return d.recvLong(c, p, flags)
		}
	}
	s.drained = c.NeedsNew && 0 < n && n < len(p)
	d.ended(c, n, e)
	return n, e
}

// recv is one try. The word goes before it, never after: one that comes during the call must
// survive it.
func (d *Desc) recv(p []byte, flags int) (n int, e Errno) {
	d.dirs[In].ready = false
	d.refs++
	n, e = d.Kernel.Recv(d.FD, p, flags)
	d.drop()
	return n, e
}

func (d *Desc) recvLong(c *Call, p []byte, flags int) (int, Errno) {
	return d.Do(In, c, func() (int, Errno) {
		n, e := d.Kernel.Recv(d.FD, p, flags)
		c.Drained = c.NeedsNew && 0 < n && n < len(p)
		return n, e
	})
}

// SendAll is Pour with send(2). most is how much of p one try may move.
func (d *Desc) SendAll(c *Call, p []byte, most int) (n int, e Errno) {
	if len(p) <= most && d.clear(Out, c) {
		d.dirs[Out].ready = false
		d.refs++
		n, e = d.Kernel.Send(d.FD, p, 0)
		d.drop()
		if e != kernel.EAGAIN && (e != 0 || n == len(p)) {
			d.ended(c, n, e)
			return n, e
		}
		if c.tried = e == kernel.EAGAIN; !c.tried {
			d.charge(Out, c, n)
		}
	}
	return d.sendLong(c, p, n, most)
}

func (d *Desc) sendLong(c *Call, p []byte, sent, most int) (int, Errno) {
	n, e := d.Pour(c, p[sent:], func(p []byte) (int, Errno) { return d.Kernel.Send(d.FD, p[:min(len(p), most)], 0) })
	return sent + n, e
}

// drop gives a try's reference back.
func (d *Desc) drop() {
	if d.refs--; d.closed && d.refs == 0 {
		d.finish()
	}
}

// ended is the end of a call that has moved n.
func (d *Desc) ended(c *Call, n int, e Errno) {
	d.charge(In, c, n)
	if e == kernel.ETIMEDOUT {
		d.NoteTimedOut()
	}
}

// doze is wait for a call that goes the short way. The turn is passed on before the call's last
// try, which nobody can disturb.
func (d *Desc) doze(dir Dir, c *Call) Errno {
	sleeper, e := d.Waiter.Sleeper()
	if e != 0 {
		return e
	}
	s := &d.dirs[dir]
	s.busy = true
	d.dirs[In].spent = 0
	c.waited = true
	c.step = timeout.Never
	c.deadline(d.Kernel)
	defer d.dozed(dir) // deferred: a sleep that unwinds its task panics
	for e == 0 && !s.ready && !d.closed {
		s.waiting = sleeper
		next := d.next(dir, c)
		if e = sleeper.Sleep(dir, next); e == kernel.ETIMEDOUT && d.next(dir, c) > next {
			e = 0 // SetDeadline has moved it before that was noticed
		}
	}
	switch {
	case d.closed:
		return kernel.EBADF
	case s.ready && e == kernel.ETIMEDOUT:
		c.lastTry = true
		return 0
	}
	return e
}

// dozed is the end of a doze.
func (d *Desc) dozed(dir Dir) {
	d.dirs[dir].waiting = nil
	d.passTurn(dir)
}
