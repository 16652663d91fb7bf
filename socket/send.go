package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Send waits until the kernel takes some of p, and tells how much.
func (s *Socket) Send(p []byte) (int, error) {
	c := s.start()
	d := s.d
	n, e := d.Do(desc.Out, &c, func() (int, desc.Errno) { return d.K.Send(d.FD, p, 0) })
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, fail(opSend, e)
	}
	return n, nil
}

// SendTo sends a datagram. On a stream the address means nothing.
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
	unix := to.Family == AF_UNIX && c.Limit.Blocks()
	try := func() (int, desc.Errno) {
		if wrong != 0 {
			return 0, wrong
		}
		n, e := d.K.SendTo(d.FD, p, 0, to)
		if e == kernel.EAGAIN && unix {
			e = full
		}
		return n, e
	}
	n, e := d.Do(desc.Out, &c, try)
	if e == full && unix {
		e = s.later(c.Limit, func(nap *desc.Call) (e desc.Errno) {
			n, e = d.Do(desc.Out, nap, try)
			return e
		})
	}
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, fail(opSendTo, e)
	}
	return n, nil
}
