package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// serveTLS does what serve does, over TLS.
func (s *tasks) serveTLS(t *reactor.Task, c *socket.Socket) {
	conn := netconn.Server(netconn.New(c), s.cfg.tls)
	_ = conn.SetDeadline(time.Now().Add(s.cfg.handshake))
	if err := conn.Handshake(); err != nil {
		s.log.Debug("handshake failed", zaplog.Error(err))
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	for {
		if s.cfg.idle > 0 {
			_ = conn.SetReadDeadline(time.Now().Add(s.cfg.idle))
		}
		p, err := conn.Data()
		if err != nil {
			s.endedTLS(conn, c, err)
			return
		}
		s.messages.Add(1)
		s.bytes.Add(uint64(len(p)))
		if left, err := s.sendTLS(conn, p); err != nil {
			s.gap(t, c, left, err)
			return
		}
	}
}

// sendTLS sends all of p, which is in the loop's buffer, and returns how many bytes are left. If
// the deadline ends a Write that has moved some bytes, sendTLS continues.
func (s *tasks) sendTLS(conn *netconn.TLSConn, p []byte) (left int, err error) {
	if s.cfg.idle == 0 {
		n, err := conn.Write(p)
		return len(p) - n, err
	}
	p = bytes.Clone(p) // there may be several Writes, and the first may wait
	for len(p) > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(s.cfg.idle))
		n, err := conn.Write(p)
		p = p[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return len(p), err
		}
	}
	return 0, nil
}

// endedTLS does what ended does, over TLS: it first sends close_notify.
func (s *tasks) endedTLS(conn *netconn.TLSConn, c *socket.Socket, err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.log.Debug("closing a quiet connection", zaplog.Stringer("peer", conn.RemoteAddr()), zaplog.Error(err))
	case err != io.EOF && !errors.Is(err, kernel.ECANCELED):
		s.log.Debug("connection ended", zaplog.Error(err))
		_ = conn.Close()
		return
	}
	if err := conn.CloseWrite(); err != nil {
		s.log.Debug("close_notify failed", zaplog.Error(err))
	}
	s.retire(c)
}
