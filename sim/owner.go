package sim

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// The methods in this file do what other owners of a descriptor could do. A test calls them in
// World.At, or in the middle of a call with During.

// Dup makes a second number for the descriptor, as dup(2) or a message to another process does.
// Both numbers refer to the same open file, which is closed with the last of them. The new number
// belongs to the caller of Dup.
func (h *Host) Dup(fd int) (int, Errno) {
	f := h.file(fd)
	switch {
	case f == nil:
		return -1, kernel.EBADF
	case h.full():
		return -1, kernel.EMFILE
	}
	n := f.base()
	n.numbers++
	return h.place(n, f), 0
}

// SetNonblock sets or clears O_NONBLOCK of the open file, which all its owners share. While the
// flag is clear, Connect blocks its program until the attempt has ended, because there is no
// MSG_DONTWAIT for it. All other calls never wait. For example, Accept of the host calls poll
// first.
func (h *Host) SetNonblock(fd int, on bool) Errno {
	f := h.file(fd)
	if f == nil {
		return kernel.EBADF
	}
	f.base().blocking = !on
	return 0
}

// During calls f in the middle of the nth call of this kind from now on: the program has decided to
// make the call, and the kernel has not looked at the descriptor yet. f acts as another thread
// could at this moment. f gets the descriptor of the call, and may close or duplicate it, or open
// something else with the same number.
func (h *Host) During(c Call, nth int, f func(fd int)) {
	if c >= callCount || nth < 1 || f == nil {
		panic(fmt.Sprintf("sim: During(%d, %d): must be one of Calls, 1 or more, and a function", c, nth))
	}
	h.during = append(h.during, moment{c, h.count[c] + nth, f})
}

// A moment is a call in whose middle f runs.
type moment struct {
	c  Call
	at int // number of the call
	f  func(fd int)
}

// interrupt runs the functions that During has planned for this call.
func (h *Host) interrupt(c Call, fd int) {
	for i := 0; i < len(h.during); {
		m := h.during[i]
		if m.c != c || m.at != h.count[c] {
			i++
			continue
		}
		// The moment is removed before f runs, because f may make calls.
		h.during = append(h.during[:i:i], h.during[i+1:]...)
		m.f(fd)
	}
}

// holds returns whether a call that would return EAGAIN must be tried again, because O_NONBLOCK of
// its descriptor is clear. If so, holds first lets time pass. Only programs can wait. So if the
// call is made outside of programs, the run fails.
func (h *Host) holds(n *node, c Call) bool {
	if !n.blocking {
		return false
	}
	p := h.w.cur
	if p == nil || p.host != h {
		h.w.Fail(fmt.Errorf("sim: %v waits on descriptor %d of host %s, which lacks O_NONBLOCK", c, n.fd, h.name))
		return false
	}
	p.soon(h.w.now + int64(100*time.Microsecond))
	p.pause()
	return !h.gone()
}
