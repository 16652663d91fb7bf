package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// This file has the calls on streams. Package desc implements them, for Sockets and SSLSockets.

// ReadSize is MicroPython's read(n). It waits until it has n bytes or the stream ends, so fewer
// than n bytes mean the end. On a non-blocking Socket it returns the bytes that are available, or
// EAGAIN if there are none. If an error occurs after some bytes, it returns both. With a negative n
// it is ReadAll.
func (s *Socket) ReadSize(n int) ([]byte, error) {
	if n < 0 {
		n = maxInt
	}
	if n == 0 {
		return []byte{}, s.nothing(opRead)
	}
	c := s.start()
	data, e := s.d.Gather(&c, n, s.recv)
	runtime.KeepAlive(s)
	return data, s.fail(opRead, e)
}

// ReadAll is MicroPython's read(). It reads until the end of the stream. On a non-blocking Socket
// it returns the bytes that are available, or EAGAIN if there are none.
func (s *Socket) ReadAll() ([]byte, error) { return s.ReadSize(-1) }

// ReadInto is MicroPython's readinto. It is ReadSize(len(p)) into p, and allocates nothing.
func (s *Socket) ReadInto(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.nothing(opReadInto)
	}
	c := s.start()
	n, e := s.d.Fill(&c, p, s.recv)
	runtime.KeepAlive(s)
	return n, s.fail(opReadInto, e)
}

// ReadLine is MicroPython's readline. It reads up to '\n' and includes that byte. It waits like
// ReadSize, and receives nothing beyond the line.
func (s *Socket) ReadLine() ([]byte, error) { return s.ReadLineMax(-1) }

// ReadLineMax is ReadLine with a limit of n bytes. A negative n means no limit.
func (s *Socket) ReadLineMax(n int) ([]byte, error) {
	limit := lineLimit(n)
	if limit == 0 {
		return []byte{}, s.nothing(opReadLine)
	}
	c := s.start()
	line, e := s.d.Line(&c, limit, s.typ == SOCK_STREAM, s.recv)
	runtime.KeepAlive(s)
	return line, s.fail(opReadLine, e)
}

const maxInt = int(^uint(0) >> 1)

// lineLimit converts the argument of ReadLineMax.
func lineLimit(n int) int {
	if n < 0 {
		return maxInt
	}
	return n
}

// recv makes one try of a read.
func (s *Socket) recv(p []byte, flags int) (int, desc.Errno) {
	return s.d.Kernel.Recv(s.d.FD, s.part(p), flags)
}

// part returns the part of p that one try may move.
func (s *Socket) part(p []byte) []byte { return p[:min(len(p), s.most())] }

// most returns how many bytes one try may move. A message is never divided.
func (s *Socket) most() int {
	if s.typ == SOCK_STREAM {
		return desc.PartMost
	}
	return maxInt
}

// nothing makes a call that moves no bytes. If the Socket is closed, it returns EBADF.
func (s *Socket) nothing(o op) error { return s.use(o, func(int) desc.Errno { return 0 }) }

// SendAll sends all of p under one deadline. n is how many bytes it has sent, also with an error.
// If a non-blocking Socket cannot send all, the error is EAGAIN.
func (s *Socket) SendAll(p []byte) (n int, err error) { return s.sendAll(opSendAll, p) }

// Write is MicroPython's write, and implements io.Writer. It is SendAll, except that it sends
// nothing if p is empty. Where MicroPython returns a short count, Write returns that count and
// EAGAIN.
func (s *Socket) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, s.nothing(opWrite)
	}
	return s.sendAll(opWrite, p)
}

func (s *Socket) sendAll(o op, p []byte) (int, error) {
	c := s.start()
	n, e := s.d.SendAll(&c, p, s.most())
	runtime.KeepAlive(s)
	return n, fail(o, e)
}
