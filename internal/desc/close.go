package desc

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Use runs f with the descriptor's number, which cannot be closed meanwhile. For calls that never
// wait. EBADF when closed.
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

// User runs a function of the user's inside a try or inside Use. It may close the Desc, and may
// take long, so Close and Detach do not wait for it: then the number is closed when the reference
// is given back.
func (d *Desc) User(f func()) {
	d.lock()
	d.userCalls++
	if d.extra != nil && d.extra.closedCh != nil {
		close(d.extra.closedCh)
		d.extra.closedCh = nil
	}
	d.unlock()
	defer func() {
		d.lock()
		d.userCalls--
		d.unlock()
	}()
	f()
}

// Closed tells whether Close was called.
func (d *Desc) Closed() bool {
	d.lock()
	defer d.unlock()
	return d.closed
}

// Number is the descriptor, -1 once closed.
func (d *Desc) Number() int {
	if d.Closed() {
		return -1
	}
	return d.FD
}

// Close ends every call in progress with EBADF, takes the descriptor out of its loop, runs the
// hooks, and closes it. It returns when the descriptor is closed, also to those who close it again.
// There are two exceptions: on a loop, inside a reference; and while one of the user's functions
// runs inside a reference. Then whoever gives the last reference back closes it. It does not use
// shutdown(2) instead: the open file may have other owners.
func (d *Desc) Close() Errno {
	d.lock()
	if d.closed {
		d.unlock()
		d.awaitClosed()
		return 0
	}
	d.beginClose()
	return d.awaitClosed()
}

// Detach is Close without closing the descriptor, which is the caller's from now on, still
// non-blocking. Where Close would not wait, the caller gets a duplicate. EBADF when closed. If no
// duplicate is to be had nothing has happened.
func (d *Desc) Detach() (int, Errno) {
	d.lock()
	switch {
	case d.closed:
		d.unlock()
		return -1, kernel.EBADF
	case d.refs > 0 && d.cannotWait():
		fd, e := kernel.Dup(d.Kernel, d.FD)
		if e != 0 {
			d.unlock()
			return -1, e
		}
		d.beginClose()
		return fd, 0
	}
	d.detached = true
	d.beginClose()
	d.awaitClosed()
	d.lock()
	defer d.unlock()
	if d.refs == 0 {
		return d.FD, 0
	}
	d.detached = false // a reference has turned out to be one that takes long
	return kernel.Dup(d.Kernel, d.FD)
}

// beginClose closes the Desc, and its number if nobody uses that; locked on entry, not on return.
func (d *Desc) beginClose() {
	d.closed = true
	d.refs++ // until the hooks have run
	if d.registered || d.suspended || d.keepsParker {
		d.Waiter.Unregister(d)
		d.registered, d.suspended = false, false
	}
	var hooks []*Hook
	if d.extra != nil {
		hooks, d.extra = d.extra.hooks, nil
	}
	var wake []Sleeper
	for i := range d.dirs {
		if s := d.dirs[i].waiting; s != nil {
			wake = append(wake, s)
		}
		if d.queues != nil {
			wake = d.queues[i].sleepers(wake)
		}
	}
	d.unlock()
	for _, h := range hooks {
		h.F()
	}
	for _, s := range wake {
		s.Wake()
	}
	d.lock()
	d.refs--
	last := d.refs == 0
	d.unlock()
	if last {
		d.finish()
	}
}

// cannotWait tells whether who closes must not wait for the references: the caller may have one, or
// one may take long. Locked.
func (d *Desc) cannotWait() bool { return !d.shared || d.userCalls > 0 }

// closeMost is how long Close waits for a try, which never waits itself, unless another owner of
// the open file has cleared O_NONBLOCK.
const closeMost = 5 * time.Second

// awaitClosed waits until a closed Desc is finished, and returns the error of that.
func (d *Desc) awaitClosed() (e Errno) {
	d.lock()
	if !d.finished && !d.cannotWait() {
		x := d.ensureExtra()
		if x.closedCh == nil {
			x.closedCh = make(chan struct{})
		}
		out := x.closedCh
		d.unlock()
		limit := time.NewTimer(closeMost)
		select {
		case <-out:
		case <-limit.C:
		}
		limit.Stop()
		d.lock()
	}
	if d.finished && d.extra != nil {
		e = d.extra.closeErrno
	}
	d.unlock()
	return e
}

// Idle tells whether nobody but its holder knows the Desc: no loop, no Poll, no call in progress.
func (d *Desc) Idle() bool {
	d.lock()
	defer d.unlock()
	return d.refs == 0 && !d.registered && !d.keepsParker && d.extra == nil
}
