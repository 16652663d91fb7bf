package main

import (
	"context"
	"fmt"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// callbacks is the server in callback style: the loops call a method for everything that happens.
// Its handlers have no state, so one value serves all loops.
type callbacks struct {
	g    *reactor.Group
	cfg  *config
	echo echo
	pong packetEcho
}

func (s *callbacks) listen(a address) (fmt.Stringer, error) {
	if a.stream() {
		return s.listenStream(a)
	}
	pong := func(*reactor.PacketConn) reactor.PacketHandler { return &s.pong }
	l, err := s.g.ListenPacket(a.network, a.addr, pong)
	if err != nil {
		return nil, err
	}
	return l.Addr(), nil
}

func (s *callbacks) listenStream(a address) (fmt.Stringer, error) {
	var opts []reactor.ListenOption
	if s.cfg.maxConns > 0 {
		opts = append(opts, reactor.WithMaxConns(s.cfg.maxConns))
	}
	if s.cfg.tls != nil {
		opts = append(opts, netconn.WithHandshakeTimeout(s.cfg.tls, s.cfg.handshake))
	}
	l, err := s.g.Listen(a.network, a.addr, func(c *reactor.Conn) reactor.Handler {
		if s.cfg.idle > 0 {
			_ = c.SetIdleTimeout(s.cfg.idle) // cannot fail: the Conn is new and the value was checked
		}
		return &s.echo
	}, opts...)
	if err != nil {
		return nil, err
	}
	return l.Addr(), nil
}

func (s *callbacks) shutdown(ctx context.Context) error { return s.g.Shutdown(ctx) }

func (s *callbacks) stats() reactor.Stats { return s.g.Stats() }

// lost returns nothing, because Run reports what the loops could not deliver.
func (s *callbacks) lost() reactor.UndeliveredError { return reactor.UndeliveredError{} }

// echo has no state except its log, so one value serves every connection.
type echo struct{ log *zaplog.Logger }

func (e *echo) Data(c *reactor.Conn, p []byte) {
	// If a peer does not read, the Conn stops reading from it, long before the limit. So an error of
	// Send means that the connection is broken. Then abort it, because an echo with a gap would be
	// worse than none.
	if err := c.Send(p); err != nil {
		e.log.Debug("cannot send back", zaplog.Int("fd", c.FD()), zaplog.Error(err))
		_ = c.Abort()
	}
}

func (e *echo) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) {
	e.log.Debug("closing a quiet connection", zaplog.Any("peer", c.RemoteAddr()), zaplog.Stringer("timeout", kind))
	_ = c.Close()
}

func (e *echo) Closed(c *reactor.Conn, err error) {
	if err != nil {
		e.log.Debug("connection ended", zaplog.Error(err))
	}
}

// packetEcho serves every datagram socket. A datagram that it cannot send back is lost.
type packetEcho struct{ log *zaplog.Logger }

func (e *packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) {
	if from.Port == 0 && from.Path == "" { // a Unix client without a name cannot get an answer
		e.log.Debug("datagram without a sender address")
		return
	}
	if err := c.SendTo(p, from); err != nil {
		e.Lost(c, from, err)
	}
}

func (e *packetEcho) Lost(c *reactor.PacketConn, to reactor.Addr, err error) {
	e.log.Debug("datagram lost", zaplog.Stringer("to", to), zaplog.Error(err))
}

func (e *packetEcho) Closed(c *reactor.PacketConn, err error) {
	if err != nil {
		e.log.Error("datagram socket ended", zaplog.Stringer("addr", c.LocalAddr()), zaplog.Error(err))
	}
}
