package reactor

import (
	"errors"
	"fmt"
	"math"

	"github.com/ureactor/ureactor/internal/kernel"
)

// rightsMax is how many descriptors one SendRights may pass. Linux has the same limit (SCM_MAX_FD).
const rightsMax = 253

// A RightsHandler is a Handler of a Unix Conn that receives descriptors (SCM_RIGHTS). The peer
// sends descriptors together with a byte of the stream. Rights is called before the call of Data
// that delivers this byte. That call of Data may also deliver earlier bytes. The descriptors are
// close-on-exec and belong to the Handler. If a Handler has no method Rights, or the Conn is
// closing, the kernel closes the descriptors that arrive.
type RightsHandler interface {
	Rights(c *Conn, fds []int)
}

var errNoRights = errors.New("reactor: SendRights is for Unix Conns without a Filter")

// SendRights sends descriptors together with the first byte of p, over a Unix Conn (SCM_RIGHTS). p
// must have 1 byte or more, and there must be 1 to 253 descriptors. The peer gets descriptors of
// its own, so the caller may close fds at once.
//
// SendRights first sends earlier output. The kernel must accept all of it and the first byte of p.
// Otherwise SendRights returns ErrBuffered, and no byte of p is sent. Try again in Drained, or
// later.
func (c *Conn) SendRights(p []byte, fds ...int) error {
	for _, fd := range fds {
		if fd < 0 || fd != int(int32(fd)) {
			return fmt.Errorf("reactor: SendRights: descriptor %d: must be 0 … %d: %w", fd, math.MaxInt32, kernel.EBADF)
		}
	}
	switch {
	case c.opt.tcp || c.filter != nil:
		return errNoRights
	case len(p) == 0:
		return fmt.Errorf("reactor: SendRights with 0 bytes: must have 1 or more: %w", kernel.EINVAL)
	case len(fds) == 0 || len(fds) > rightsMax:
		return fmt.Errorf("reactor: SendRights of %d descriptors: must be 1 … %d: %w", len(fds), rightsMax, kernel.EINVAL)
	}
	if err := c.sendable(len(p)); err != nil {
		return err
	}
	if c.out != nil && !c.is(blocked|dialling) {
		c.flush()
	}
	switch {
	case c.is(released):
		return ErrClosed
	case c.is(outputFailed):
		return c.deadlines.outputErr
	case c.out != nil || c.is(dialling):
		return fmt.Errorf("%w: %d bytes of output must be sent first", ErrBuffered, c.Buffered())
	}
	r := c.w.r
	control := kernel.Rights(fds...)
	m := kernel.Packet{Buf: p, N: len(p), Control: control, ControlN: len(control)}
	switch e := r.k.SendMsg(int(c.w.fd), &m, 0); e {
	case 0:
	case kernel.EAGAIN:
		return fmt.Errorf("%w: the kernel accepts no output now", ErrBuffered)
	case kernel.EPIPE, kernel.ECONNRESET, kernel.ENOTCONN:
		c.failOutput(callError("sendmsg", e))
		return c.deadlines.outputErr
	// The error concerns the descriptors, and nothing was sent.
	default:
		return fmt.Errorf("reactor: SendRights of %d: %w", fds, callError("sendmsg", e))
	}
	r.often.sends++
	if m.N < len(p) {
		c.enqueue(p[m.N:])
	}
	c.wrote(m.N)
	return nil
}

// receive receives once into the loop's buffer, and delivers descriptors that came with the bytes.
func (c *Conn) receive() (int, kernel.Errno) {
	r := c.w.r
	if !c.opt.tcp && c.filter == nil && !c.is(closing) {
		if h, ok := c.handler.(RightsHandler); ok {
			return c.receiveRights(h)
		}
	}
	return r.k.Recv(int(c.w.fd), r.buf.P, 0)
}

func (c *Conn) receiveRights(h RightsHandler) (int, kernel.Errno) {
	r := c.w.r
	if r.rights == nil {
		r.rights = &kernel.Packet{Control: make([]byte, len(kernel.Rights(make([]int, rightsMax)...)))}
	}
	m := r.rights
	m.Buf = r.buf.P
	if e := r.k.RecvMsg(int(c.w.fd), m, 0); e != 0 {
		return 0, e
	}
	n := m.N // stored, because Rights may use r.rights for other Conns
	if fds := kernel.RightsIn(m.Control[:m.ControlN]); len(fds) > 0 {
		r.guard(c, func() { h.Rights(c, fds) })
	}
	return n, 0
}
