package desc

import "github.com/ureactor/ureactor/internal/kernel"

// budget is how much the calls on one Desc may do before their task yields. If the peer of a task
// sends all the time, the task's calls never wait. Without a budget, no other task would run then.
// The unit is 2 KiB. Each call costs one unit more than its bytes, which is about the cost of a
// call. So each direction of a shared Desc may move about 256 KiB. On a loop both directions share
// the budget, and its unit is 4 KiB. A Conn reads less in a turn, because switching tasks costs
// more than switching Conns.
const (
	budget      = 128
	budgetShift = 11 // the binary logarithm of the unit
	loopShift   = budgetShift + 1
)

// Do makes a blocking call. try makes the system call. Any result of try except EAGAIN ends the
// call. With Limit 0 there is one try. Do returns the errors of try, and these:
//
//	EAGAIN      with Limit 0
//	ETIMEDOUT   at the deadline of the call or the direction (SetDeadline), never earlier
//	EBADF       if the Desc is closed, before the call or while it waits
//	ECANCELED   if the task must not wait any more
//	EDEADLK     if a callback of the loop would have to wait
//
// A call tries before it sleeps, with one exception. It sleeps first if four things hold: the Desc
// is registered, the last try in this direction has received all data, no Event has come since, and
// none has reported an end. On a loop such a call registers the Desc itself. The first call on an
// accepted socket may sleep first too: see ExpectNothing.
//
// For nearly all calls of a loop's tasks, Do has the same result as doSlow with fewer instructions.
func (d *Desc) Do(dir Dir, c *Call, try func() (int, Errno)) (n int, e Errno) {
	c.checkBegin()
	if c.tried || !d.fast(dir, c) {
		return d.doSlow(dir, c, try)
	}
	s := &d.dirs[dir]
	why := Errno(0)
	if c.NeedsNew && s.drained && !s.ready && (d.registered || d.announces() && d.register(In, c) == 0) {
		s.drained = false
		why = d.beginSleep(dir, c)
		for why == 0 && !s.ready && !d.closed { // not in a function, for the same reason as in Recv
			next := d.next(dir, c)
			if why = s.waiting.Sleep(dir, next); why == kernel.ETIMEDOUT && d.next(dir, c) > next {
				why = 0 // SetDeadline has moved the deadline to later
			}
		}
		if s.waiting != nil {
			why = d.slept(dir, c, why)
		}
		if why != 0 && !lastTry(why) {
			d.passTurn(dir)
			return 0, why
		}
	}
	s.busy, s.ready = true, false
	d.refs++
	c.ref = true
	defer d.leaveFast(dir, c)
	switch n, e = try(); {
	case e == kernel.EAGAIN && why != 0:
		return 0, why
	case (c.Again || e == kernel.EAGAIN) && why == 0:
		c.registered = d.reports(dir)
		return d.retry(dir, c, try, n, e)
	}
	d.charge(dir, c, n)
	if e == kernel.ETIMEDOUT {
		d.NoteTimedOut()
	}
	return n, e
}

// doSlow is Do for every call.
func (d *Desc) doSlow(dir Dir, c *Call, try func() (int, Errno)) (int, Errno) {
	waits := c.Limit.Blocks()
	// The call yields before its try. So a call that is cancelled while it yields has received
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
	defer d.leave(dir, c, waits) // a wait panics if the task is unwound, and user code may panic
	if waits && d.shared {
		d.yieldIfSpent(dir)
	}
	n, e := 0, kernel.EAGAIN
	if !c.sleepFirst {
		n, e = try()
	}
	return d.retry(dir, c, try, n, e)
}

// retry continues a call whose last try has returned n and e. The call has the turn and a
// reference.
func (d *Desc) retry(dir Dir, c *Call, try func() (int, Errno), n int, e Errno) (int, Errno) {
	waits := c.Limit.Blocks()
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
			// Not in wait, because that is the deepest point of a task's small stack.
			e = d.register(dir, c)
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

// PartMost is how many bytes of a stream one try moves at most. If a call does not wait, it ends
// when its parts together have moved that much. So neither a try nor such a call takes long, even
// if the peer is as fast as this side.
const PartMost = 256 << 10

// nextPart is called between two parts of a call. The part before it has moved n bytes. Even if
// there is always another part, the call ends: by Close, by a deadline, or, if it does not wait,
// with EAGAIN after PartMost bytes. If the budget is used up, nextPart yields.
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

// check returns EBADF if the Desc is closed, and ETIMEDOUT if a deadline has passed. It reads the
// clock only if clock is set.
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

// charge counts the cost of a try that has moved n bytes.
func (d *Desc) charge(dir Dir, c *Call, n int) {
	if d.shared {
		d.dirs[dir].spend(c, n>>budgetShift)
	} else {
		d.dirs[In].spend(c, n>>loopShift)
	}
}

func (s *dirState) spend(c *Call, units int) {
	s.spent = uint8(min(budget, int(s.spent)+1+units+int(c.Records)))
	c.Records = 0
}

// spent returns the counter of the used budget. On a loop both directions share one counter, which
// belongs to the loop's goroutine. A shared Desc has a counter for each direction, which belongs to
// the holder of the direction's turn.
func (d *Desc) spent(dir Dir) *uint8 {
	if !d.shared {
		dir = In
	}
	return &d.dirs[dir].spent
}

// yieldIfSpent yields the processor if the budget is used up. Without it, a goroutine would run
// until the runtime preempts it, after 10 ms. Then a connection beside four bulk connections on one
// core waited for 50 ms, as it does with package net.
func (d *Desc) yieldIfSpent(dir Dir) {
	if s := &d.dirs[dir]; s.spent >= budget {
		s.spent = 0
		_ = d.Waiter.Yield(dir) // the call of a parked goroutine cannot be cancelled
	}
}

// lastTry ends a call whose wait has ended with the error `why`. If the call has made no try yet,
// it makes one now, because readiness beats the timeout (doc/semantics.md, D7).
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

// lastTry returns whether a call that has not tried yet shall try after its wait has ended with e.
func lastTry(e Errno) bool { return e == kernel.ETIMEDOUT || e == kernel.EDEADLK }
