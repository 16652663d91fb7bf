package desc

import "github.com/ureactor/ureactor/internal/kernel"

// ref takes a reference for the call. The Desc is locked and not closed.
func (d *Desc) ref(dir Dir, c *Call) {
	c.ref = true
	d.refs++
	if dir == In && !c.Limit.Blocks() {
		d.unturned++
	}
}

// unref releases the call's reference, if it has one. The Desc is locked. If unref returns true
// (last), the caller must unlock the Desc and call finish.
func (d *Desc) unref(dir Dir, c *Call) (last bool) {
	if !c.ref {
		return false
	}
	c.ref = false
	d.refs--
	if dir == In && !c.Limit.Blocks() {
		d.unturned--
	}
	return d.refs == 0 && d.closed
}

// release releases the reference while the caller does something else. reacquire takes the
// reference again. It returns EBADF if the Desc has been closed meanwhile.
func (d *Desc) release(dir Dir, c *Call) {
	d.lock()
	last := d.unref(dir, c)
	d.unlock()
	if last {
		d.finish()
	}
}

func (d *Desc) reacquire(dir Dir, c *Call) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	d.ref(dir, c)
	return 0
}

// finish closes the number, unless it was detached. The caller has released the last reference.
func (d *Desc) finish() {
	e := Errno(0)
	if !d.detached {
		if d.shared {
			e = d.Kernel.Close(d.FD) // with SO_LINGER this may wait, as the program that has set it wants
		} else {
			e = kernel.CloseAtOnce(d.Kernel, d.FD)
		}
	}
	d.lock()
	d.finished = true
	if e != 0 {
		d.ensureExtra().closeErrno = e
	}
	d.endAwait()
	d.checkState()
	d.unlock()
}

// endAwait ends the wait of Close and Detach; locked.
func (d *Desc) endAwait() {
	if d.extra != nil && d.extra.closedCh != nil {
		close(d.extra.closedCh)
		d.extra.closedCh = nil
	}
}

// Use runs f with the descriptor's number, which cannot be closed meanwhile. It is for system calls
// that never wait. It returns EBADF once the Desc is closed.
func (d *Desc) Use(f func(fd int) Errno) Errno {
	c := Call{}
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	d.ref(In, &c)
	d.unlock()
	defer d.leave(In, &c, false)
	return f(d.FD)
}

// User runs a user function inside a try or inside Use. The function may close the Desc, and it may
// take long. So Close and Detach do not wait for it: the number is closed when the reference is
// released.
func (d *Desc) User(f func()) {
	d.lock()
	d.userCalls++
	d.endAwait()
	d.unlock()
	defer func() {
		d.lock()
		d.userCalls--
		d.unlock()
	}()
	f()
}

// Closed returns whether Close or Detach was called.
func (d *Desc) Closed() bool {
	d.lock()
	defer d.unlock()
	return d.closed
}

// Number returns the descriptor's number, or -1 once the Desc is closed.
func (d *Desc) Number() int {
	if d.Closed() {
		return -1
	}
	return d.FD
}

// Idle returns whether only its holder knows the Desc: no loop, no Poll, no call in progress.
func (d *Desc) Idle() bool {
	d.lock()
	defer d.unlock()
	return d.refs == 0 && !d.registered && !d.suspended && d.extra == nil
}
