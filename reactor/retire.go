package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Retire adopts the descriptor of a stream connection, and closes it in order as Conn.Close does.
// It sends a FIN, discards the peer's input, and closes. Shutdown waits until the connection is
// closed. Retire is for blocking-style code whose last replies must not be lost: a plain close with
// unread input sends a reset, which destroys replies that are on their way.
//
// The descriptor must be non-blocking and must not be registered. The reactor then owns it, even if
// Retire returns an error.
func (r *Reactor) Retire(fd int) error {
	if fd < 0 {
		return fmt.Errorf("reactor: retire descriptor %d: must be 0 or more", fd)
	}
	if _, e := r.k.Ready(fd); e == kernel.EBADF {
		// Check this first, because the table of descriptors grows to the largest number in it.
		return fmt.Errorf("reactor: retire descriptor %d: %w", fd, e)
	}
	if r.stopped {
		r.k.Close(fd)
		return ErrClosed
	}
	// without options there can be no error
	o, _ := newSockOptions("retire", eachOption[ListenOption](nil, nil))
	a, e := r.k.LocalAddr(fd)
	o.tcp = e == 0 && a.Family != kernel.AF_UNIX
	c := &Conn{opt: o, opened: r.age()}
	c.setHandler(noHandler{})
	c.w.open(r, fd, c)
	r.conns++
	return c.Close()
}
