package desc

import (
	"slices"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Hook is called once when the Desc is closed, while no other descriptor can have its number. It
// may use the number, for example to unregister it from a Poller. It must not make calls on the
// Desc.
type Hook struct{ F func() }

// AddHook adds the hook. If the Desc is closed, it returns EBADF.
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

// DelHook removes the hook.
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

// Close ends every call in progress with EBADF, unregisters the descriptor, runs the hooks, and
// closes the descriptor. Close returns when the descriptor is closed, and so does a second Close.
//
// In two cases Close does not wait, and the release of the last reference closes the descriptor.
// One case is a Close on a loop while another call holds a reference. The other case is a Close
// while a user function runs inside User.
//
// Close does not call shutdown(2), because the open file may have other owners.
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

// Detach closes the Desc but not the descriptor. From now on the descriptor belongs to the caller,
// and it is still non-blocking. If Close would not wait, Detach returns a duplicate instead. If
// Detach cannot make the duplicate, it returns the error and changes nothing. If the Desc is
// closed, Detach returns EBADF.
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
	// A try or a user function has not returned yet. The release of its reference will close the
	// number.
	d.detached = false
	return kernel.Dup(d.Kernel, d.FD)
}

// beginClose closes the Desc. If there is no reference, it also closes the number. The Desc is
// locked before beginClose, and unlocked after it.
func (d *Desc) beginClose() {
	d.closed = true
	d.refs++ // a reference of beginClose itself, until the hooks have run
	if d.registered || d.suspended || d.keepsParker {
		d.Waiter.Unregister(d)
		d.registered, d.output, d.level, d.suspended = false, false, false, false
	}
	d.Near = nil
	var hooks []*Hook
	if d.extra != nil {
		hooks, d.extra, d.hooked = d.extra.hooks, nil, false
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
	d.checkState()
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

// cannotWait returns whether Close and Detach must not wait for the references. On a loop their
// caller may itself hold a reference. A user function may hold one for a long time. The Desc is
// locked.
func (d *Desc) cannotWait() bool { return !d.shared || d.userCalls > 0 }

// closeMost is how long Close waits for a try. A try can take that long only if another owner of
// the open file has cleared O_NONBLOCK.
const closeMost = 5 * time.Second

// awaitClosed waits until the Desc is finished. It returns the error of the kernel's close.
func (d *Desc) awaitClosed() (e Errno) {
	d.lock()
	if !d.finished && !d.cannotWait() {
		x := d.ensureExtra()
		if x.closedCh == nil {
			x.closedCh = make(chan struct{})
		}
		finished := x.closedCh
		d.unlock()
		limit := time.NewTimer(closeMost)
		select {
		case <-finished:
		case <-limit.C:
		}
		limit.Stop()
		d.lock()
	}
	if d.extra != nil {
		e = d.extra.closeErrno
	}
	d.unlock()
	return e
}
