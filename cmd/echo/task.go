package main

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// tasks is the server in blocking style on one loop. It has a task for each address, each
// connection and each datagram socket. Tasks never run at the same time, so they share data without
// locks.
type tasks struct {
	g    *reactor.Group
	r    *reactor.Reactor // the only loop
	cfg  *config
	log  *zaplog.Logger
	gaps reactor.UndeliveredError // input that had not been sent back when the drain ended

	conns           atomic.Int64 // also read by the goroutine that prints figures
	messages, bytes atomic.Uint64
}

// rest is the pause after an accept that found no free descriptor or no memory.
const rest = 100 * time.Millisecond

func (s *tasks) listen(a address) (fmt.Stringer, error) {
	if !a.stream() {
		c, err := a.listenPacket(netconn.On(s.r))
		if err != nil {
			return nil, err
		}
		s.r.Go(func(t *reactor.Task) { s.packets(t, c) })
		return c.LocalAddr(), nil
	}
	nl, err := a.listen(netconn.On(s.r))
	if err != nil {
		return nil, err
	}
	l := &listener{tasks: s, l: nl, c: nl.Socket(), left: make(chan struct{}, 1)}
	s.r.Go(l.accept)
	return nl.Addr(), nil
}

func (s *tasks) shutdown(ctx context.Context) error { return s.g.Shutdown(ctx) }

func (s *tasks) stats() reactor.Stats {
	n := s.r.Stats() // includes the connections that Retire closes
	n.Conns += int(s.conns.Load())
	n.Reads += s.messages.Load()
	n.BytesIn += s.bytes.Load()
	return n
}

func (s *tasks) lost() reactor.UndeliveredError { return s.gaps }

// A listener accepts connections at one address.
type listener struct {
	*tasks
	l    acceptor
	c    *socket.Socket // the Socket of l
	open int
	left chan struct{} // gets a value when a connection has ended
}

// accept runs in a task until the drain ends it.
func (l *listener) accept(t *reactor.Task) {
	defer l.l.Close()
	drain := t.Context()
	for failing := false; drain.Err() == nil; {
		if l.cfg.maxConns > 0 && l.open >= l.cfg.maxConns { // further connections wait in the backlog
			_ = t.Await(func() { // before the function returns, only an abort can cancel it
				select {
				case <-l.left:
				case <-drain.Done():
				}
			})
			continue
		}
		c, _, err := l.c.Accept()
		if err != nil {
			if !failing && !errors.Is(err, kernel.ECANCELED) {
				l.log.Warn("accept failed; retrying until it succeeds", zaplog.Stringer("addr", l.l.Addr()), zaplog.Error(err))
			}
			failing = true
			if errors.Is(err, kernel.ECANCELED) || t.Sleep(rest) != nil {
				return
			}
			continue
		}
		failing = false
		l.open++
		l.conns.Add(1)
		t.Go(func(t *reactor.Task) {
			if l.cfg.tls != nil {
				l.serveTLS(t, c)
			} else {
				l.serve(t, c)
			}
			l.open--
			l.conns.Add(-1)
			select {
			case l.left <- struct{}{}:
			default: // the channel already has a value, which is enough
			}
		})
	}
}

// serve runs in a task and echoes one connection.
func (s *tasks) serve(t *reactor.Task, c *socket.Socket) {
	if c.Family() != socket.AF_UNIX {
		_ = c.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) // fails only if the peer has reset
	}
	if s.cfg.idle > 0 {
		_ = c.SetTimeout(timeout.Timeout(s.cfg.idle))
	}
	for {
		p, err := c.Data()
		if err == io.EOF { // the peer has half-closed, and everything was sent back
			_ = c.Close()
			return
		}
		if err != nil {
			s.ended(c, err)
			return
		}
		s.messages.Add(1)
		s.bytes.Add(uint64(len(p)))
		if left, err := s.send(c, p); err != nil {
			s.gap(t, c, left, err)
			return
		}
	}
}

// send sends all of p, which is in the loop's buffer, and returns how many bytes are left. It does
// not use SendAll, which has one deadline for all bytes: then a peer that reads slowly would count
// as idle.
func (s *tasks) send(c *socket.Socket, p []byte) (left int, err error) {
	if s.cfg.idle == 0 {
		n, err := c.SendAll(p)
		return len(p) - n, err
	}
	_ = c.SetTimeout(0) // if the socket is closed, the next call fails
	n, err := c.SendAll(p)
	_ = c.SetTimeout(timeout.Timeout(s.cfg.idle))
	if !errors.Is(err, kernel.EAGAIN) {
		return len(p) - n, err
	}
	for p = bytes.Clone(p[n:]); len(p) > 0; p = p[n:] { // a later send must not use the loop's buffer
		if n, err = c.Send(p); err != nil {
			return len(p), err
		}
	}
	return 0, nil
}

// ended closes a connection after all output was sent. If the peer has sent more meanwhile, a plain
// Close would reset the connection and destroy the output. So the reactor closes it in order, and
// the drain waits until it is closed.
func (s *tasks) ended(c *socket.Socket, err error) {
	switch {
	case errors.Is(err, kernel.ETIMEDOUT):
		peer, _ := c.RemoteAddr()
		s.log.Debug("closing a quiet connection", zaplog.Stringer("peer", peer), zaplog.Error(err))
	case !errors.Is(err, kernel.ECANCELED): // the connection is broken
		s.log.Debug("connection ended", zaplog.Error(err))
		_ = c.Close()
		return
	}
	s.retire(c)
}

// gap resets a connection of whose echo bytes are missing. An echo with a gap would be worse than
// none.
func (s *tasks) gap(t *reactor.Task, c *socket.Socket, left int, err error) {
	s.log.Debug("cannot send back", zaplog.Int("fd", c.Fileno()), zaplog.Int("bytes", left), zaplog.Error(err))
	draining := t.Context().Err() != nil
	if draining {
		s.gaps.Bytes += int64(left)
	}
	if errors.Is(err, kernel.ECANCELED) { // the reactor aborts and counts these bytes as undelivered
		s.retire(c)
		return
	}
	if draining {
		s.gaps.Conns++
	}
	_ = c.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, lingerZero)
	_ = c.Close()
}

// lingerZero is a struct linger {1, 0}: close discards the output and resets the connection.
var lingerZero = bits.NativeEndian.AppendUint32(bits.NativeEndian.AppendUint32(nil, 1), 0)

func (s *tasks) retire(c *socket.Socket) {
	fd, err := c.Detach()
	if err == nil {
		err = s.r.Retire(fd)
	}
	if err != nil {
		s.log.Error("orderly close failed", zaplog.Error(err))
	}
}

// packets runs in a task and echoes the datagrams of a socket. A datagram that it cannot send back
// is lost.
func (s *tasks) packets(t *reactor.Task, c packetConn) {
	defer c.Close()
	g := newGrams(c)
	for {
		err := g.read()
		if errors.Is(err, kernel.ECANCELED) {
			return
		}
		if err != nil {
			s.log.Warn("receiving failed", zaplog.Stringer("addr", c.LocalAddr()), zaplog.Error(err))
			if t.Sleep(rest) != nil {
				return
			}
			continue
		}
		s.messages.Add(1)
		s.bytes.Add(uint64(g.n))
		if err := g.answer(); err != nil {
			s.log.Debug("datagram lost", zaplog.Error(err))
		}
	}
}
