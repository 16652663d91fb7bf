package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// This file has the stream calls. Package desc implements them for Sockets and SSLSockets.

// ReadSize is MicroPython's read(n). It waits until it has n bytes or the stream ends; fewer than n
// bytes mean the end. On a non-blocking Socket it returns the available bytes, or EAGAIN if there
// are none. If an error occurs after some bytes, it returns those bytes and the error. A negative n
// means ReadAll.
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

// ReadAll is MicroPython's read(): it reads until the end of the stream. On a non-blocking Socket
// it returns the available bytes, or EAGAIN.
func (s *Socket) ReadAll() ([]byte, error) { return s.ReadSize(-1) }

// ReadInto is MicroPython's readinto: ReadSize(len(p)) into p. It allocates nothing.
func (s *Socket) ReadInto(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.nothing(opReadInto)
	}
	c := s.start()
	n, e := s.d.Fill(&c, p, s.recv)
	runtime.KeepAlive(s)
	return n, s.fail(opReadInto, e)
}

// ReadLine is MicroPython's readline: it reads up to '\n' and includes it. It waits like ReadSize
// and receives nothing beyond the line.
func (s *Socket) ReadLine() ([]byte, error) { return s.ReadLineMax(-1) }

// ReadLineMax is ReadLine that ends after at most n bytes. A negative n means no limit.
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

// recv is one try of a read.
func (s *Socket) recv(p []byte, flags int) (int, desc.Errno) {
	return s.d.Kernel.Recv(s.d.FD, s.part(p), flags)
}

// part returns as much of p as one try may move.
func (s *Socket) part(p []byte) []byte { return p[:min(len(p), s.most())] }

// most returns how many bytes one try may move. A message is never split.
func (s *Socket) most() int {
	if s.typ == SOCK_STREAM {
		return desc.PartMost
	}
	return maxInt
}

// nothing makes a call that moves no bytes. It returns EBADF once the Socket is closed.
func (s *Socket) nothing(o op) error { return s.use(o, func(int) desc.Errno { return 0 }) }

// SendAll sends all of p under one deadline. n is how many bytes it sent, also with an error. If a
// non-blocking Socket cannot send all, the error is EAGAIN.
func (s *Socket) SendAll(p []byte) (n int, err error) { return s.sendAll(opSendAll, p) }

// Write is MicroPython's write, and implements io.Writer. It is SendAll, but with an empty p it
// sends nothing. In cases in which MicroPython returns a short count, Write returns that count and
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
