package desc

import (
	"slices"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Hook is called once when the Desc closes, before its number can belong to anybody else. It may use the number (to
// take it out of a Poller) but not call on the Desc.
type Hook struct{ F func() }

// Use runs f with the descriptor's number, which cannot be closed meanwhile. For calls that never wait. EBADF when closed.
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

// User runs a function of the user's inside a try or inside Use. It may close the Desc, and may take long, so Close and
// Detach do not wait for it: then the number is closed when the reference is given back.
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

// Close ends every call in progress with EBADF, takes the descriptor out of its loop, runs the hooks, and closes it. It
// returns when the descriptor is closed, also to those who close it again. There are two exceptions: on a loop, inside a
// reference; and while one of the user's functions runs inside a reference. Then whoever gives the last reference back
// closes it. It does not use shutdown(2) instead: the open file may have other owners.
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

// Detach is Close without closing the descriptor, which is the caller's from now on, still non-blocking. Where Close would
// not wait, the caller gets a duplicate. EBADF when closed. If no duplicate is to be had nothing has happened.
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

// end closes the Desc, and its number if nobody uses that; locked on entry, not on return.
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

// stuck tells whether who closes must not wait for the references: the caller may have one, or one may take long. Locked.
func (d *Desc) cannotWait() bool { return !d.shared || d.userCalls > 0 }

// closeMost is how long Close waits for a try, which never waits itself, unless another owner of the open file has cleared
// O_NONBLOCK.
const closeMost = 5 * time.Second

// await waits until a closed Desc is finished, and returns the error of that.
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

// AddHook has f called at Close. EBADF when that has happened.
func (d *Desc) AddHook(h *Hook) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	x := d.ensureExtra()
	x.hooks = append(x.hooks, h)
	return 0
}

// DelHook takes the hook out.
func (d *Desc) DelHook(h *Hook) {
	d.lock()
	defer d.unlock()
	if d.extra == nil {
		return
	}
	if i := slices.Index(d.extra.hooks, h); i >= 0 {
		d.extra.hooks = slices.Delete(d.extra.hooks, i, i+1)
	}
}

// Idle tells whether nobody but its holder knows the Desc: no loop, no Poll, no call in progress.
func (d *Desc) Idle() bool {
	d.lock()
	defer d.unlock()
	return d.refs == 0 && !d.registered && !d.keepsParker && d.extra == nil
}

// Registered tells whether Events of the descriptor are told.
func (d *Desc) Registered() bool {
	d.lock()
	defer d.unlock()
	return d.registered
}

// OnNews has f called after each Event, by the loop or the background; nil ends that. What is ready now is told too, if
// nothing has waited before.
func (d *Desc) OnEvent(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	if e := d.ensureRegistered(f); e != 0 {
		return e
	}
	d.ensureExtra().onEvent = f
	return 0
}

// hear registers the Desc if there is somebody to tell; locked.
func (d *Desc) ensureRegistered(f func()) (e Errno) {
	if f != nil && !d.registered {
		e = d.registerNow()
	}
	return e
}

// OnArrival has f called after each Event that may mean input, by the loop or the background; nil ends that. What
// is ready now may be told too.
func (d *Desc) OnArrival(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	if e := d.ensureRegistered(f); e != 0 {
		return e
	}
	d.ensureExtra().onArrival = f
	return 0
}

func (d *Desc) ensureExtra() *extra {
	if d.extra == nil {
		d.extra = &extra{}
	}
	return d.extra
}
