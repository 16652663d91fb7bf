package main

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// A stream is a *netconn.Conn, a *netconn.UnixConn or, with -tls, a *netconn.TLSConn.
type stream interface {
	net.Conn
	Data() ([]byte, error)
	CloseWrite() error
}

// serve runs on a goroutine and echoes one connection.
func (s *netStyle) serve(c stream) {
	if err := s.shake(c); err != nil {
		s.log.Debug("handshake failed", zaplog.Error(err))
		_ = c.Close()
		return
	}
	for {
		s.patience(c.SetReadDeadline)
		p, err := c.Data()
		if err != nil {
			s.ended(c, err)
			return
		}
		s.messages.Add(1)
		s.bytes.Add(uint64(len(p)))
		if left, err := s.sendBack(c, p); err != nil {
			s.gap(c, left, err)
			return
		}
	}
}

// shake makes the handshake if the connection uses TLS.
func (s *netStyle) shake(c stream) error {
	t, ok := c.(*netconn.TLSConn)
	if !ok {
		return nil
	}
	s.deadline(c.SetDeadline, s.cfg.handshake)
	err := t.Handshake()
	s.deadline(c.SetDeadline, 0)
	return err
}

// patience sets the deadline of a call to the idle time from now.
func (s *netStyle) patience(set func(time.Time) error) {
	if s.cfg.idle > 0 {
		s.deadline(set, s.cfg.idle)
	}
}

// deadline sets the deadline to d from now, or to none if d is 0. During a drain it does not change
// the deadline.
func (s *netStyle) deadline(set func(time.Time) error, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	if !s.draining.Load() {
		_ = set(at) // if the connection is closed, the next call fails
	}
}

// sendBack sends p. After an error it returns how many bytes it has not sent. If the deadline ends
// a Write that has moved some bytes, sendBack continues, because a peer that reads slowly is not
// idle.
func (s *netStyle) sendBack(c stream, p []byte) (left int, err error) {
	for len(p) > 0 {
		s.patience(c.SetWriteDeadline)
		n, err := c.Write(p)
		p = p[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return len(p), err
		}
	}
	return 0, nil
}

// ended closes a connection in order after all output was sent. If the peer has sent more, a plain
// Close would reset the connection.
func (s *netStyle) ended(c stream, err error) {
	timedOut := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case timedOut && !s.draining.Load():
		s.log.Debug("closing a quiet connection", zaplog.Stringer("peer", c.RemoteAddr()), zaplog.Error(err))
	case !timedOut && err != io.EOF:
		s.log.Debug("connection ended", zaplog.Error(err))
		_ = c.Close()
		return
	}
	if _, ok := c.(*netconn.TLSConn); ok {
		if err := c.CloseWrite(); err != nil {
			s.log.Debug("close_notify failed", zaplog.Error(err))
		}
	}
	s.retire(c)
}

// gap resets a connection of whose echo bytes are missing. An echo with a gap would be worse than
// none.
func (s *netStyle) gap(c stream, left int, err error) {
	s.log.Debug("cannot send back", zaplog.Int("bytes", left), zaplog.Error(err))
	if s.draining.Load() {
		s.mu.Lock()
		s.gaps.Bytes += int64(left)
		s.gaps.Conns++
		s.mu.Unlock()
	}
	if tcp, ok := below(c).(*netconn.Conn); ok {
		_ = tcp.SetLinger(0) // fails only if the connection is closed
	}
	_ = c.Close()
}

// below returns the connection below TLS.
func below(c stream) net.Conn {
	if t, ok := c.(*netconn.TLSConn); ok {
		return t.NetConn()
	}
	return c
}

// retire passes a connection to the loop, which closes it in order.
func (s *netStyle) retire(c stream) {
	fd, err := below(c).(interface{ Socket() *socket.Socket }).Socket().Detach()
	if err == nil {
		done := make(chan error, 1)
		err = s.g.Post(func(r *reactor.Reactor) { done <- r.Retire(fd) })
		if err == nil {
			err = <-done // from now on the drain includes the connection
		}
	}
	if err != nil {
		s.log.Error("orderly close failed", zaplog.Error(err))
	}
}
