package main

import (
	"net"

	"go.uber.org/zap"

	"github.com/ureactor/ureactor/reactor"
)

// listen opens every address, or none, and returns the lines that say so.
func listen(r *reactor.Reactor, cfg *config, log *zap.Logger) (lines []string, err error) {
	streams, datagrams := &echo{log}, &packetEcho{log}
	for _, a := range cfg.addrs {
		var at net.Addr
		if a.stream() {
			at, err = listenStream(r, a, cfg, streams)
		} else {
			at, err = listenPackets(r, a, datagrams)
		}
		if err != nil {
			return nil, a.hint(err)
		}
		lines = append(lines, a.line(at))
	}
	return lines, nil
}

func listenStream(r *reactor.Reactor, a address, cfg *config, h reactor.Handler) (net.Addr, error) {
	var opts []reactor.ListenOption
	if cfg.maxConns > 0 {
		opts = append(opts, reactor.WithMaxConns(cfg.maxConns))
	}
	l, err := r.Listen(a.network, a.addr, func(c *reactor.Conn) reactor.Handler {
		if cfg.idle > 0 {
			_ = c.SetIdleTimeout(cfg.idle) // a new Conn and a checked value: nothing to fail
		}
		return h
	}, opts...)
	if err != nil {
		return nil, err
	}
	return l.Addr(), nil
}

func listenPackets(r *reactor.Reactor, a address, h reactor.PacketHandler) (net.Addr, error) {
	c, err := r.ListenPacket(a.network, a.addr, h)
	if err != nil {
		return nil, err
	}
	return c.LocalAddr(), nil
}

// echo serves every connection: one value for all of them, since it keeps nothing.
type echo struct{ log *zap.Logger }

func (e *echo) Data(c *reactor.Conn, p []byte) {
	// A peer that does not read is not read either, long before the cap, so what fails here has lost its peer. An echo
	// with a gap would be worse than none.
	if err := c.Send(p); err != nil {
		e.log.Debug("cannot send back", zap.Int("fd", c.FD()), zap.Error(err))
		_ = c.Abort()
	}
}

func (e *echo) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) {
	e.log.Debug("closing a quiet connection", zap.Any("peer", c.RemoteAddr()), zap.Stringer("timeout", kind))
	_ = c.Close()
}

func (e *echo) Closed(c *reactor.Conn, err error) {
	if err != nil {
		e.log.Debug("connection ended", zap.Error(err))
	}
}

// packetEcho serves every datagram socket. What cannot be sent back is lost, as datagrams are.
type packetEcho struct{ log *zap.Logger }

func (e *packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) {
	if from.Port == 0 && from.Path == "" { // a Unix client without a name cannot be answered
		e.log.Debug("datagram from nowhere")
		return
	}
	if err := c.SendTo(p, from); err != nil {
		e.Lost(c, from, err)
	}
}

func (e *packetEcho) Lost(c *reactor.PacketConn, to reactor.Addr, err error) {
	e.log.Debug("datagram lost", zap.Stringer("to", to), zap.Error(err))
}

func (e *packetEcho) Closed(c *reactor.PacketConn, err error) {
	if err != nil {
		e.log.Error("datagram socket ended", zap.Stringer("addr", c.LocalAddr()), zap.Error(err))
	}
}
