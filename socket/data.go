package socket

import (
	"io"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// Data waits for input and returns what is there, 64 KiB at most, in a buffer that is not the
// Socket's: a Socket that waits has none. io.EOF is the end of a stream, and an empty slice is an
// empty datagram.
//
// In a task that is the loop's buffer, as Handler.Data is shown it. It is the task's until the task
// waits, or calls Data again on any Socket: copy what you keep. It may be sent as it is: a send
// that has to wait copies the rest. Race builds overwrite it when it is not valid any more. A
// callback may be using the buffer itself, so Data is EDEADLK there.
//
// Where callers park, what is returned is valid until the next Data of the same Socket.
//
// One caller reads by Data: a second is misuse and panics, and so is a Watch or Conn of the same
// loop on the descriptor.
func (s *Socket) Data() ([]byte, error) {
	c := s.start()
	d := s.d
	c.NeedsNew = d.ShortIsAll
	room, e := d.Room(&c)
	if e != 0 {
		return nil, fail(opData, e)
	}
	if least := s.least(&c, desc.ScratchSize, 0); least > 1 || room == nil {
		return s.dataApart(least)
	}
	n, e := d.Recv(&c, room, 0)
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, fail(opData, e)
	}
	return s.shown(d.Shown(room, n))
}

// shown is what Data has received.
func (s *Socket) shown(p []byte) ([]byte, error) {
	if len(p) == 0 && s.connects() {
		return nil, io.EOF
	}
	return p, nil
}

// dataApart is Data where callers park, and with SO_RCVLOWAT, which few have: then the memory is
// the caller's own.
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
		return nil, fail(opData, e)
	}
	return s.shown(p)
}
