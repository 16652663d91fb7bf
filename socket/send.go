package socket

import (
	"io"
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

// SendAll sends all of p under one deadline. n is how much went, also with an error; non-blocking, EAGAIN is the error
// when not all of it could.
func (s *Socket) SendAll(p []byte) (n int, err error) { return s.sendAll(opSendAll, p) }

// Write is MicroPython's write, and io.Writer's: like SendAll, but nothing is sent when p is empty. Where MicroPython
// returns a count that is short, the error is EAGAIN.
func (s *Socket) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, s.use(opWrite, func(int) desc.Errno { return 0 })
	}
	return s.sendAll(opWrite, p)
}

func (s *Socket) sendAll(o op, p []byte) (int, error) {
	c := s.start()
	d := s.d
	n := 0
	_, e := d.Do(desc.Out, &c, func() (int, desc.Errno) {
		sent, e := d.K.Send(d.FD, p[n:], 0)
		n += sent
		c.Part = e == 0 && n < len(p)
		return sent, e
	})
	runtime.KeepAlive(s)
	return n, fail(o, e)
}

// SendTo sends a datagram. On a stream the address means nothing.
func (s *Socket) SendTo(p []byte, a Addr) (int, error) {
	to, wrong, err := s.address(opSendTo, a)
	if err != nil {
		return 0, err
	}
	if s.typ == SOCK_STREAM {
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

// Read is io.Reader's: Recv into p, with io.EOF at the end of a stream.
func (s *Socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.use(opRead, func(int) desc.Errno { return 0 })
	}
	n, err := s.RecvInto(p)
	if n == 0 && err == nil && s.typ == SOCK_STREAM {
		err = io.EOF
	}
	return n, err
}
