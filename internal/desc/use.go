package desc

import "github.com/ureactor/ureactor/internal/kernel"

// ref takes a reference for the call. The Desc is locked, and must not be closed.
func (d *Desc) ref(dir Dir, c *Call) {
	c.ref = true
	d.refs++
	if dir == In && !c.Limit.Blocks() {
		d.unturned++
	}
}

// unref releases the reference of the call, if the call has one. The Desc is locked. If last is
// true, the caller must unlock the Desc and call finish.
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

// release releases the call's reference for some time, and reacquire takes it again. If the Desc
// was closed meanwhile, reacquire returns EBADF.
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

// finish is called when the last reference of a closed Desc is released. It closes the number,
// unless the number was detached.
func (d *Desc) finish() {
	e := Errno(0)
	if !d.detached {
		if d.shared {
			e = d.Kernel.Close(d.FD) // if the program has set SO_LINGER, this may wait
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

// endAwait ends the wait of Close and Detach. The Desc is locked.
func (d *Desc) endAwait() {
	if d.extra != nil && d.extra.closedCh != nil {
		close(d.extra.closedCh)
		d.extra.closedCh = nil
	}
}

// Use calls f with the descriptor's number. The number cannot be closed before f returns. f must
// not wait. If the Desc is closed, Use returns EBADF.
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

// User calls a user function inside a try or inside Use. The function may close the Desc, and may
// take a long time. So Close and Detach do not wait for it. Instead the number is closed when the
// caller of User releases its reference.
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

// Shared returns whether several goroutines may use the Desc. Otherwise only the loop's goroutine
// uses it.
func (d *Desc) Shared() bool { return d.shared }

// Closed returns whether Close or Detach was called.
func (d *Desc) Closed() bool {
	d.lock()
	defer d.unlock()
	return d.closed
}

// Number returns the descriptor's number, or -1 if the Desc is closed.
func (d *Desc) Number() int {
	if d.Closed() {
		return -1
	}
	return d.FD
}

// Idle returns whether the Desc is in use by no loop, no Poll and no call.
func (d *Desc) Idle() bool {
	d.lock()
	defer d.unlock()
	return d.refs == 0 && !d.registered && !d.suspended && d.extra == nil
}
