package socket

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
)

// ReadSize is MicroPython's read(n): see SSLSocket.ReadSize.
func (s *SSLStream) ReadSize(n int) ([]byte, error) {
	if n < 0 {
		n = maxInt
	}
	got, err := s.gather(n, false)
	return got, s.fail(opRead, err)
}

// ReadAll is MicroPython's read(). It reads until the end of input.
func (s *SSLStream) ReadAll() ([]byte, error) { return s.ReadSize(-1) }

// ReadInto is MicroPython's readinto. It is ReadSize(len(p)) into p.
func (s *SSLStream) ReadInto(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k, err := s.recv(p[n:])
		n += k
		if over, err := ended(n, err); over {
			return n, s.fail(opReadInto, err)
		}
	}
	return n, nil
}

// ReadLine is MicroPython's readline. It reads up to '\n' and includes that byte.
func (s *SSLStream) ReadLine() ([]byte, error) { return s.ReadLineMax(-1) }

// ReadLineMax is ReadLine with a limit of n bytes. A negative n means no limit.
func (s *SSLStream) ReadLineMax(n int) ([]byte, error) {
	line, err := s.gather(lineLimit(n), true)
	return line, s.fail(opReadLine, err)
}

// gather reads until it has n bytes or a line, the input ends, or the stream has no more bytes now.
// It reads a line byte by byte, because it must not read beyond the line.
func (s *SSLStream) gather(n int, line bool) ([]byte, error) {
	got := []byte{}
	for len(got) < n && !(line && bytes.HasSuffix(got, []byte{'\n'})) {
		got = slices.Grow(got, min(n-len(got), 512))
		room := got[len(got):min(n, cap(got))]
		if line {
			room = room[:1]
		}
		k, err := s.recv(room)
		got = got[:len(got)+k]
		if over, err := ended(len(got), err); over {
			return got, err
		}
	}
	return got, nil
}

// ended returns whether a read of several parts ends after n bytes, and with which error.
func ended(n int, err error) (bool, error) {
	if err == io.EOF || n > 0 && errors.Is(err, kernel.EAGAIN) {
		return true, nil
	}
	return err != nil, err
}

// buffered reports whether a Read can return something without a call of the stream.
func (s *SSLStream) buffered() bool {
	if !s.readMu.TryLock() {
		return false // another goroutine reads
	}
	defer s.readMu.Unlock()
	if !s.session.Ready() {
		return false
	}
	s.still.Store(true)
	err := s.session.Peek()
	s.still.Store(false)
	return err != secure.ErrAgain
}
