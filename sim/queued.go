package sim

import "github.com/ureactor/ureactor/internal/kernel"

// Waiting returns twice the number of bytes or connections that wait, plus one at the end of input.
// It returns -1 if fd is not open. Like Now, it is not a step of the history.
func (h *Host) Waiting(fd int) int {
	f := h.file(fd)
	n, ok := h.received(f)
	if !ok {
		return -1
	}
	return 2*n + one(f.status().rdEnd)
}

// received returns how many bytes or connections wait in a socket.
func (h *Host) received(f file) (n int, ok bool) {
	switch s := f.(type) {
	case *tcp:
		return s.in.len() + len(s.queue), true
	case *udp:
		return h.weight(s.queue), true
	case *unixSocket:
		return s.in.len() + h.weight(s.grams) + len(s.queue), true
	}
	return 0, false
}

// weight returns the value of FIONREAD for datagrams: the number of their bytes. Linux also counts
// the overhead of each datagram. On other systems an empty datagram counts as 0.
func (h *Host) weight(grams []gram) (n int) {
	for _, g := range grams {
		n += len(g.data)
		if h.os() == Linux {
			n += gramCost
		}
	}
	return n
}

// Unsent returns how many bytes the peer has not acknowledged. On Linux a FIN counts as one byte.
func (h *Host) Unsent(fd int) (n int, e Errno) {
	f, v, ok := h.on(Unsent, fd)
	if !ok {
		return 0, v.e
	}
	switch s := f.(type) {
	case *tcp:
		if s.phase == up {
			n = s.out.len() + one(s.finWant && !s.finAcked && h.os() == Linux)
		}
		if s.phase == listening && h.os() == FreeBSD {
			e = kernel.EINVAL
		}
	case *unixSocket:
		if h.os() == Linux { // other systems also count the bytes in the peer's queue
			n = s.used
		}
	}
	h.note(Unsent, fd, n, e)
	return n, e
}
