package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Send waits until the kernel accepts some bytes of p, and returns how many.
func (s *Socket) Send(p []byte) (int, error) {
	c := s.start()
	d := s.d
	c.P = p
	n, e := d.Do(desc.Out, &c, func() (int, desc.Errno) { return d.Kernel.Send(d.FD, c.P, 0) })
	if e == kernel.ENOBUFS && s.family == AF_UNIX {
		c.P = d.Own(c.P)
		n, e = s.crowded(c.Limit, func() (int, desc.Errno) { return d.Kernel.Send(d.FD, c.P, 0) })
	}
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, s.fail(opSend, e)
	}
	return n, nil
}

// crowded sends a Unix datagram whose receiver has no room. It is no use to wait for an Event. A
// BSD reports Out even while it returns ENOBUFS, and Linux reports an Event after each refusal. So
// crowded tries again from time to time.
func (s *Socket) crowded(limit timeout.Timeout, send func() (int, desc.Errno)) (n int, e desc.Errno) {
	if !limit.Blocks() {
		return 0, kernel.EAGAIN
	}
	e = s.later(limit, func(nap *desc.Call) (e desc.Errno) {
		n, e = s.d.Do(desc.Out, nap, func() (int, desc.Errno) {
			n, e := send()
			if e == kernel.ENOBUFS || e == kernel.EAGAIN {
				e = full
			}
			return n, e
		})
		return e
	})
	return n, e
}

// SendTo sends a datagram. On a stream it ignores the address.
func (s *Socket) SendTo(p []byte, a Addr) (int, error) {
	to, wrong, err := s.address(opSendTo, a)
	if err != nil {
		return 0, err
	}
	if s.connects() {
		to, wrong = kernel.Addr{}, 0
	}
	c := s.start()
	d := s.d
	c.P = p
	send := func() (int, desc.Errno) { return d.Kernel.SendTo(d.FD, c.P, 0, to) }
	n, e := d.Do(desc.Out, &c, func() (int, desc.Errno) {
		if wrong != 0 {
			return 0, wrong
		}
		n, e := send()
		if to.Family == AF_UNIX && (e == kernel.EAGAIN || e == kernel.ENOBUFS) {
			e = full
		}
		return n, e
	})
	if e == full {
		c.P = d.Own(c.P)
		n, e = s.crowded(c.Limit, send)
	}
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, s.fail(opSendTo, e)
	}
	return n, nil
}
