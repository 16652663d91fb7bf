package desc

import "github.com/ureactor/ureactor/internal/kernel"

// budget is how much the calls on one Desc may do before their task yields. Without a budget, the
// calls of a task whose peer always sends more would never wait, and no other task would run. The
// unit is 2 KiB. Each call counts one more unit, which is about the cost of the call itself. The
// budget is a few times the 64 KiB that a Conn reads in a turn, because switching tasks costs more
// than switching Conns.
const (
	budget      = 128
	budgetShift = 11 // log2 of the unit
)

// Do makes a blocking call. try makes the system call; any result but EAGAIN ends the call. With
// Limit 0 there is one try. Beside try's own errors, Do returns:
//
//	EAGAIN      with Limit 0
//	ETIMEDOUT   at the deadline of the call or the direction (SetDeadline), never earlier
//	EBADF       once the Desc is closed, also while the call waits
//	ECANCELED   the task must not wait any more
//	EDEADLK     a callback of the loop cannot wait
//
// A call tries before it sleeps, with one exception. It sleeps first if four things hold: the last
// try in this direction received all data, no end of input was reported, no Event has come since,
// and the Desc is registered.
func (d *Desc) Do(dir Dir, c *Call, try func() (int, Errno)) (int, Errno) {
	c.checkBegin()
	waits := c.Limit.Blocks()
	// The call yields before the try. So if the call is cancelled while it yields, it has received
	// nothing.
	if waits && !d.shared && *d.spent(dir) >= budget {
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
	defer d.leave(dir, c, waits) // a wait panics if its task is unwound, and user code may panic
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
			e = d.register(dir, c) // done here because wait is the deepest point of a task's small stack
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

// PartMost is the most that one try moves of a stream, in bytes. A call that does not wait ends
// when all its parts together have moved that much. So neither a try nor such a call lasts long,
// even if the peer is as fast as this side.
const PartMost = 256 << 10

// nextPart runs between two parts of a call; the part before it has moved n bytes. A call that
// always has another part still ends: by a close of the Desc, or by a deadline. If the call does
// not wait, it also ends with EAGAIN after PartMost bytes. When the budget is used up, nextPart
// yields.
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
	clock := c.waited
	if d.charge(dir, c, n); *d.spent(dir) >= budget {
		*d.spent(dir) = 0
		clock = true
		d.own(c)
		d.release(dir, c)
		if e := d.Waiter.Yield(dir); e != 0 {
			return e
		}
		if e := d.reacquire(dir, c); e != 0 {
			return e
		}
	}
	return d.check(dir, c, clock)
}

// check returns EBADF once the Desc is closed, and ETIMEDOUT after the deadline. It reads the clock
// only if clock is set.
func (d *Desc) check(dir Dir, c *Call, clock bool) Errno {
	d.lock()
	defer d.unlock()
	switch {
	case d.closed:
		return kernel.EBADF
	case c.lastTry, clock && d.due(dir, c):
		return kernel.ETIMEDOUT
	}
	return 0
}

// charge counts a try that has moved n bytes.
func (d *Desc) charge(dir Dir, c *Call, n int) {
	s := d.spent(dir)
	*s = uint8(min(budget, int(*s)+1+n>>budgetShift+int(c.Records)))
	c.Records = 0
}

// spent is the used part of the budget. On a loop both directions share one count, which the loop's
// goroutine owns. A shared Desc has one count for each direction, and the holder of the direction's
// turn owns it.
func (d *Desc) spent(dir Dir) *uint8 {
	if !d.shared {
		dir = In
	}
	return &d.dirs[dir].spent
}

// yieldIfSpent yields the processor if the budget is used up. The runtime preempts a goroutine only
// after 10 ms. With preemption alone, a fifth connection beside four bulk connections on one core
// waited for 50 ms, as with package net.
func (d *Desc) yieldIfSpent(dir Dir) {
	if s := &d.dirs[dir]; s.spent >= budget {
		s.spent = 0
		_ = d.Waiter.Yield(dir) // a parked goroutine is not cancelled
	}
}

// lastTry ends a call whose wait has ended with the error why. A call that has not tried yet makes
// its only try now, because readiness beats the timeout (doc/semantics.md, D7).
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

// lastTry returns whether a call that has not tried makes a try after its wait has ended with e.
func lastTry(e Errno) bool { return e == kernel.ETIMEDOUT || e == kernel.EDEADLK }
