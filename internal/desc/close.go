package desc

import (
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Hook is called once when the Desc closes, before its number can belong to anybody else. It may use the number (to
// take it out of a Poller) but not call on the Desc.
type Hook struct{ F func() }

// Use runs f with the descriptor's number, which cannot be closed meanwhile. For calls that never wait. EBADF when closed.
func (d *Desc) Use(f func(fd int) Errno) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	d.refs++
	d.unlock()
	e := f(d.FD)
	d.lock()
	d.unref()
	return e
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

// Close ends every call in progress with EBADF, takes the descriptor out of its loop, runs the hooks, and closes it
// when the last call is out. Again is nothing.
func (d *Desc) Close() Errno {
	_, e := d.end(false)
	return e
}

// Detach is Close without closing the descriptor, which is the caller's from now on, still non-blocking. EBADF when
// closed.
func (d *Desc) Detach() (int, Errno) {
	first, e := d.end(true)
	if !first {
		return -1, kernel.EBADF
	}
	return d.FD, e
}

// end tells whether it was the first to end the Desc.
func (d *Desc) end(keep bool) (first bool, e Errno) {
	d.lock()
	if d.closed {
		d.unlock()
		return false, 0
	}
	d.closed = true
	d.kept = keep
	d.refs++ // until the hooks have run
	if d.registered || d.dormant || d.held {
		d.W.Unregister(d)
		d.registered, d.dormant = false, false
	}
	var hooks []*Hook
	if d.extra != nil {
		hooks, d.extra = d.extra.hooks, nil
	}
	var wake []Sleeper
	for i := range d.sides {
		if s := d.sides[i].waiting; s != nil {
			wake = append(wake, s)
		}
		if d.lines != nil {
			wake = append(wake, d.lines[i].queue...)
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
	last := d.refs == 0 && !keep
	d.unlock()
	if last {
		e = d.K.Close(d.FD)
	}
	return true, e
}

// AddHook has f called at Close. EBADF when that has happened.
func (d *Desc) AddHook(h *Hook) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	x := d.more()
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
	return d.refs == 0 && !d.registered && !d.held && d.extra == nil
}

// Registered tells whether Events of the descriptor are told.
func (d *Desc) Registered() bool {
	d.lock()
	defer d.unlock()
	return d.registered
}

// OnNews has f called after each Event, by the loop or the background; nil ends that. What is ready now is told too, if
// nothing has waited before.
func (d *Desc) OnNews(f func()) Errno {
	d.lock()
	defer d.unlock()
	if d.closed {
		return kernel.EBADF
	}
	if e := d.hear(f); e != 0 {
		return e
	}
	d.more().news = f
	return 0
}

// hear registers the Desc if there is somebody to tell; locked.
func (d *Desc) hear(f func()) (e Errno) {
	if f != nil && !d.registered {
		e = d.enlist()
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
	if e := d.hear(f); e != 0 {
		return e
	}
	d.more().arrivals = f
	return 0
}

func (d *Desc) more() *extra {
	if d.extra == nil {
		d.extra = &extra{}
	}
	return d.extra
}
