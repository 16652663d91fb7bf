package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Call is one call of the user's: one deadline however many tries it takes (SEMANTICS D5). The
// deadline is taken after the first try that has not done everything: a call that one try completes
// reads no clock and cannot time out (D7).
type Call struct {
	Limit          timeout.Timeout
	Step           timeout.Timeout  // if not 0, the longest sleep between two tries: for what no Event tells. try may change it
	until          timeout.Deadline // from Limit, once begun
	step           timeout.Deadline // of the present sleep; set by wait
	KeepRegistered bool             // a Transient Desc stays registered, told of nothing: for when Register costs more than Rearm
	// Drained is set by a try that has taken all there was. More says that the call can only take
	// what comes after that: if no Event has told of it, it sleeps before it tries. Any other call
	// tries first: it may have an answer that needs no Event.
	Drained       bool
	NeedsNew      bool
	BothDeadlines bool  // the deadlines of both directions end the call: it makes a handshake
	Records       uint8 // set by a try: what it has cost beside its bytes, each as much as a piece of bytes
	// P and V are what the call has still to send. A call that waits may replace them by copies.
	P          []byte
	V          *[][]byte
	Again      bool  // set by a try that has moved what it tells and is not done: the call goes on, after others if it is their turn
	begun      bool  // until has its value
	tried      bool  // on the short way, see clear; it has found nothing
	sleepFirst bool  // before the first try
	registered bool  // the Desc is registered
	retried    bool  // has tried twice since it slept: see wait
	ref        bool  // holds a reference
	waited     bool  // has waited
	lastTry    bool  // the deadline has passed: the present try is the last
	moved      int32 // by parts, of a call that does not wait
}

func (c *Call) deadline(k kernel.Kernel) timeout.Deadline {
	switch {
	case c.Limit == timeout.None: // needs no clock
		return timeout.Never
	case !c.begun:
		c.begun = true
		c.until = c.Limit.After(k.Now())
	}
	return c.until
}

// Deadline is the call's, for a wait that goes on without Do.
func (c *Call) Deadline(k kernel.Kernel) timeout.Deadline { return c.deadline(k) }

// share is what the calls on one Desc may have of the loop before its task lets others run: a peer
// that always has more keeps them from ever waiting. In pieces of 2 KiB, and one more for each
// call, which is about what a call costs. It is a few times the 64 KiB that a Conn reads in a turn,
// for a task's switch costs more than a Conn's.
const (
	budget      = 128
	budgetShift = 11 // the logarithm
)

// Do is the law. try makes the system call; 0 or any error but EAGAIN ends the wait. Limit 0 tries
// once. Beside try's own errors: EAGAIN (only with Limit 0), ETIMEDOUT at the deadline — the call's
// or the direction's, see SetDeadline — and never before, EBADF once the Desc is closed, also by
// somebody else while this call waits, ECANCELED, EDEADLK.
func (d *Desc) Do(dir Dir, c *Call, try func() (int, Errno)) (int, Errno) {
	waits := c.Limit.Blocks()
	if waits && !d.shared && *d.spent(dir) >= budget { // before the try: one who is cancelled here has taken nothing
		*d.spent(dir) = 0
		c.deadline(d.Kernel)
		d.own(c)
		if e := d.Waiter.Yield(dir); e != 0 {
			return 0, e
		}
	}
	if e := d.enter(dir, c, waits); e != 0 {
		return 0, e
	}
	defer d.leave(dir, c, waits) // deferred: a wait that unwinds its task panics, and so may a try that calls the user
	if waits && d.shared {
		d.yieldIfSpent(dir)
	}
	n, e := 0, kernel.EAGAIN
	if !c.sleepFirst {
		n, e = try()
	}
	for c.Again || e == kernel.EAGAIN && waits {
		if c.Again {
			if e = d.nextPart(dir, c, waits, n); e != 0 {
				return 0, e
			}
			n, e = try()
			continue
		}
		e = 0
		if !c.registered {
			e = d.register(c) // not in wait: whoever waits in a task has a small stack, and this is its deepest point
		}
		if e == 0 {
			d.own(c)
			e = d.wait(dir, c)
		} else if d.shared && outOfResources(e) {
			e = d.waitBare(dir, c, e)
		}
		if e != 0 {
			return d.lastTry(dir, c, e, try)
		}
		c.sleepFirst = false
		n, e = try()
	}
	if waits {
		d.charge(dir, c, n)
	}
	if e == kernel.ETIMEDOUT {
		d.NoteTimedOut()
	}
	return n, e
}

// PartMost is how much one try moves of a stream, at most, and what a call that does not wait moves
// by its parts. A peer that is as fast as we are must not make either of them long.
const PartMost = 256 << 10

// nextPart comes between two parts of a call, the first of which has moved n. The parts do not go
// on for ever: whoever closes the Desc ends them, a deadline ends them, and a call that does not
// wait ends after PartMost, with EAGAIN. Others run when the calls have used up their share.
func (d *Desc) nextPart(dir Dir, c *Call, waits bool, n int) Errno {
	c.Again = false
	if !waits {
		c.moved += int32(min(max(n, 1<<budgetShift)+int(c.Records)<<budgetShift, PartMost))
		c.Records = 0
		if c.moved >= PartMost {
			return kernel.EAGAIN
		}
		return d.check(dir, c, false)
	}
	c.deadline(d.Kernel)
	look := c.waited
	if d.charge(dir, c, n); *d.spent(dir) >= budget {
		*d.spent(dir) = 0
		look = true
		d.own(c)
		d.release(dir, c)
		if e := d.Waiter.Yield(dir); e != 0 {
			return e
		}
		if e := d.reacquire(dir, c); e != 0 {
			return e
		}
	}
	return d.check(dir, c, look)
}

// check is EBADF once the Desc is closed and, if the clock is to be looked at, ETIMEDOUT after a
// deadline.
func (d *Desc) check(dir Dir, c *Call, look bool) Errno {
	d.lock()
	defer d.unlock()
	switch {
	case d.closed:
		return kernel.EBADF
	case c.lastTry, look && d.due(dir, c):
		return kernel.ETIMEDOUT
	}
	return 0
}

// charge counts a try that has moved n.
func (d *Desc) charge(dir Dir, c *Call, n int) {
	s := d.spent(dir)
	*s = uint8(min(budget, int(*s)+1+n>>budgetShift+int(c.Records)))
	c.Records = 0
}

// spent is the count for a direction: on a loop one for both, which its goroutine owns; of a shared
// Desc one for each, which the holder of the turn owns.
func (d *Desc) spent(dir Dir) *uint8 {
	if !d.shared {
		dir = In
	}
	return &d.dirs[dir].spent
}

// yieldIfSpent has the holder of a turn give the processor away once its calls have had their
// share. The runtime would take it away after 10 ms, for which four bulk connections on one core
// keep a fifth waiting 50 (measured; package net's do).
func (d *Desc) yieldIfSpent(dir Dir) {
	if s := &d.dirs[dir]; s.spent >= budget {
		s.spent = 0
		_ = d.Waiter.Yield(dir) // whoever parks is not cancelled
	}
}

// lastTry ends a wait that was in vain: with what a call finds that has not tried yet, for ready
// beats timeout (D7).
func (d *Desc) lastTry(dir Dir, c *Call, why Errno, try func() (int, Errno)) (int, Errno) {
	if c.sleepFirst && !c.tried && lastTry(why) {
		if n, e := try(); e != kernel.EAGAIN {
			d.charge(dir, c, n)
			if e == kernel.ETIMEDOUT {
				d.NoteTimedOut()
			}
			return n, e
		}
	}
	return 0, why
}

// lastTry tells whether a call that has not tried does so although its wait has ended with e.
func lastTry(e Errno) bool { return e == kernel.ETIMEDOUT || e == kernel.EDEADLK }
