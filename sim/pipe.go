package sim

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A pipe is one end of a pipe. Only Pollers and Ready use it, because a Kernel has no calls for the
// bytes of a pipe.
type pipe struct {
	node
	write bool
	other *pipe
	alone bool // the other end is closed
}

// Pipe makes the two ends of a pipe, for programs that watch descriptors other than sockets. The
// pipe carries no data. When one end is closed, the other end gets an Event.
func (h *Host) Pipe() (r, w int, e Errno) {
	if h.open+2 > h.limit {
		return -1, -1, kernel.EMFILE
	}
	a, b := &pipe{}, &pipe{write: true}
	a.other, b.other = b, a
	return h.born(&a.node, a), h.born(&b.node, b), 0
}

func (p *pipe) what() string { return fmt.Sprintf("pipe's end %d", one(p.write)) }
func (p *pipe) vanish()      {}

func (p *pipe) close() {
	p.other.alone = true
	p.other.wake(0)
}

// status returns what the end is ready for. On FreeBSD pipes work in both directions, so the
// reading end is also ready for output.
func (p *pipe) status() status {
	return status{out: p.write || p.h.os() == FreeBSD, noWriter: p.alone && !p.write, noReader: p.alone && p.write}
}

// refuses returns the errno with which a BSD refuses a filter for writing to a pipe that has no
// reader.
func (p *pipe) refuses(write bool) Errno {
	switch {
	case !write || !p.alone:
		return 0
	case p.h.os() == NetBSD:
		return kernel.EBADF
	}
	return kernel.EPIPE
}
