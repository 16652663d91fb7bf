package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Retire takes over the descriptor of a stream connection whose owner is done with it and ends it
// in order, as Conn.Close does: a FIN, what the peer still sends is discarded, close. Shutdown
// waits for it. For blocking-style code that must not lose its last replies to the reset that a
// plain close sends while input is unread.
//
// The descriptor must be non-blocking and not be watched any more. It is the reactor's from here
// on, also on error.
func (r *Reactor) Retire(fd int) error {
	if fd < 0 {
		return fmt.Errorf("reactor: retire descriptor %d: must be 0 or more", fd)
	}
	if _, e := r.k.Ready(fd); e == kernel.EBADF { // asked first, for the table grows to the number
		return fmt.Errorf("reactor: retire descriptor %d: %w", fd, e)
	}
	if r.stopped {
		r.k.Close(fd)
		return ErrClosed
	}
	o, _ := newSockOptions("retire", eachOption[ListenOption](nil, nil)) // no option, no error
	a, e := r.k.LocalAddr(fd)
	o.tcp = e == 0 && a.Family != kernel.AF_UNIX
	c := &Conn{opt: o, opened: r.age()}
	c.setHandler(noHandler{})
	c.w.open(r, fd, c)
	r.conns++
	return c.Close()
}
