package socket

import (
	"io"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// Data waits for input and returns it, at most 64 KiB. In a Task it returns at most 128 KiB, or the
// size of reactor.WithReadSize. At the end of a stream it returns io.EOF. An empty slice is an
// empty datagram. A Socket that waits in Data holds no buffer.
//
// In a Task the result is in the loop's buffer, like the argument of Handler.Data. It is valid
// until the Task waits, or calls Data again on any Socket. Copy what you keep. You may send the
// result without a copy, because a send that must wait copies the rest. Race builds overwrite the
// result when it becomes invalid. In a callback Data returns EDEADLK, because the callback may be
// using the buffer.
//
// If the Socket was made with New, the result is valid until the next Data of this Socket.
//
// Only one caller may read by Data at a time. A second one panics. Data also panics if the
// descriptor has a Watch or a Conn of the loop.
func (s *Socket) Data() ([]byte, error) {
	c := s.start()
	d := s.d
	c.NeedsNew = d.Drains()
	room, e := d.Room(&c)
	if e != 0 {
		return nil, s.fail(opData, e)
	}
	if least := s.least(&c, desc.ScratchSize, 0); least > 1 || room == nil {
		return s.dataApart(least)
	}
	n, e := d.Recv(&c, room, 0)
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, s.fail(opData, e)
	}
	return s.shown(d.Shown(room, n))
}

// shown returns the result of Data for the bytes that were received.
func (s *Socket) shown(p []byte) ([]byte, error) {
	if len(p) == 0 && s.connects() {
		return nil, io.EOF
	}
	return p, nil
}

// dataApart is Data for Sockets whose callers park, and for Sockets with SO_RCVLOWAT. SO_RCVLOWAT
// is rare, so the results then have memory of their own.
//
//go:noinline
func (s *Socket) dataApart(least int) ([]byte, error) {
	if least > 1 {
		p, _, err := s.receive(opData, desc.ScratchSize, 0, nil)
		if err != nil {
			return nil, err
		}
		return s.shown(p)
	}
	c := s.start()
	p, e := s.d.Borrow(&c, nil)
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, s.fail(opData, e)
	}
	return s.shown(p)
}
