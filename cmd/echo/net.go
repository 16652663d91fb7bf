package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// netStyle is the server as one writes it with package net: a goroutine for each listener,
// connection and datagram socket. The loop only ends connections in order.
type netStyle struct {
	g   *reactor.Group
	cfg *config
	log *zaplog.Logger

	goroutines sync.WaitGroup
	draining   atomic.Bool

	mu    sync.Mutex // guards these:
	open  map[stream]bool
	quits []func() // what ends a listener or a datagram socket
	gaps  reactor.UndeliveredError

	conns           atomic.Int64
	messages, bytes atomic.Uint64
}

// A stream is a *netconn.Conn or, with -tls, a *netconn.TLSConn.
type stream interface {
	net.Conn
	Data() ([]byte, error)
	CloseWrite() error
}

func newNetStyle(g *reactor.Group, cfg *config, log *zaplog.Logger) *netStyle {
	return &netStyle{g: g, cfg: cfg, log: log, open: map[stream]bool{}}
}

func (s *netStyle) listen(a address) (fmt.Stringer, error) {
	if !a.stream() {
		c, err := a.listenPacket(parked{})
		if err != nil {
			return nil, err
		}
		s.quits = append(s.quits, func() { _ = c.Close() })
		s.goroutines.Go(func() { s.packets(c) })
		return c.LocalAddr(), nil
	}
	l, err := a.listen(parked{})
	if err != nil {
		return nil, err
	}
	// The first wait takes descriptors for what wakes all waits: now, while there are some.
	r := newRoom(s.cfg.maxConns)
	_ = l.SetDeadline(time.Now().Add(time.Millisecond))
	first, err := l.Accept()
	_ = l.SetDeadline(time.Time{})
	if err == nil {
		r.take()
		s.start(first, r)
	}
	s.quits = append(s.quits, func() { _ = l.Close() })
	s.goroutines.Go(func() { s.accept(l, r) })
	return l.Addr(), nil
}

func (s *netStyle) stats() reactor.Stats {
	n := s.g.Stats() // has the connections that Retire ends
	n.Conns += int(s.conns.Load())
	n.Reads += s.messages.Load()
	n.BytesIn += s.bytes.Load()
	return n
}

func (s *netStyle) lost() reactor.UndeliveredError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps
}

// shutdown has everybody end: what waits for input does so at once, what has to send may until ctx
// ends.
func (s *netStyle) shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining.Store(true)
	s.log.Info("draining", zaplog.Int("conns", s.conns.Load()))
	for _, quit := range s.quits {
		quit()
	}
	for c := range s.open {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // of a closed one: it ends anyway
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.open {
			_ = c.SetDeadline(time.Unix(1, 0))
		}
	})
	defer stop()
	s.goroutines.Wait()
	return s.g.Shutdown(ctx)
}

// A room has a place for each connection of an address; nil has them without end.
type room chan struct{}

func newRoom(places int) room {
	if places == 0 {
		return nil
	}
	return make(room, places)
}

// take waits for a place.
func (r room) take() {
	if r != nil {
		r <- struct{}{}
	}
}

func (r room) leave() {
	if r != nil {
		<-r
	}
}

func (s *netStyle) accept(l net.Listener, r room) {
	for failing := false; ; {
		r.take() // first: whom there is no place for waits in the backlog
		c, err := l.Accept()
		if err == nil {
			failing = false
			s.start(c, r)
			continue
		}
		r.leave()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if !failing {
			s.log.Warn("accept failed; the listener rests until it succeeds", zaplog.Stringer("addr", l.Addr()), zaplog.Error(err))
		}
		failing = true
		time.Sleep(rest)
	}
}

// start serves a connection, which has its place.
func (s *netStyle) start(nc net.Conn, r room) {
	c := nc.(stream)
	if s.cfg.tls != nil {
		c = netconn.Server(nc, s.cfg.tls)
	}
	s.mu.Lock()
	s.open[c] = true
	if s.draining.Load() {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	s.conns.Add(1)
	s.goroutines.Go(func() {
		s.serve(c)
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		s.conns.Add(-1)
		r.leave()
	})
}

// serve is a goroutine: the echo.
func (s *netStyle) serve(c stream) {
	if err := s.shake(c); err != nil {
		s.log.Debug("no handshake", zaplog.Error(err))
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

// shake makes the handshake, if there is one to make.
func (s *netStyle) shake(c stream) error {
	t, ok := c.(*netconn.TLSConn)
	if !ok {
		return nil
	}
	s.deadline(c.SetDeadline, netconn.HandshakeTimeout)
	err := t.Handshake()
	s.deadline(c.SetDeadline, 0)
	return err
}

// patience gives a call the idle time.
func (s *netStyle) patience(set func(time.Time) error) {
	if s.cfg.idle > 0 {
		s.deadline(set, s.cfg.idle)
	}
}

// deadline is d from now, 0 none; the one of a drain stays.
func (s *netStyle) deadline(set func(time.Time) error, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	if !s.draining.Load() {
		_ = set(at) // a closed connection tells it by the next call
	}
}

// sendBack sends all of p and tells how much of it is left. A deadline ends only a Write that has
// moved nothing: a slow reader is not a quiet one.
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

// ended ends a connection that owes nothing, in order: a plain Close would reset it if the peer has
// sent more meanwhile.
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
			s.log.Debug("cannot say goodbye", zaplog.Error(err))
		}
	}
	s.retire(c)
}

// gap ends a connection that some bytes are missing on: by a reset, since an echo with a gap would
// be worse than none.
func (s *netStyle) gap(c stream, left int, err error) {
	s.log.Debug("cannot send back", zaplog.Int("bytes", left), zaplog.Error(err))
	if s.draining.Load() {
		s.mu.Lock()
		s.gaps.Bytes += int64(left)
		s.gaps.Conns++
		s.mu.Unlock()
	}
	_ = below(c).SetLinger(0) // what cannot be set has no connection any more
	_ = c.Close()
}

// below is the connection without TLS.
func below(c stream) *netconn.Conn {
	if t, ok := c.(*netconn.TLSConn); ok {
		return t.NetConn().(*netconn.Conn)
	}
	return c.(*netconn.Conn)
}

// retire has the loop end a connection.
func (s *netStyle) retire(c stream) {
	fd, err := below(c).Socket().Detach()
	if err == nil {
		done := make(chan error, 1)
		err = s.g.Post(func(r *reactor.Reactor) { done <- r.Retire(fd) })
		if err == nil {
			err = <-done // a drain that begins now knows of it
		}
	}
	if err != nil {
		s.log.Error("cannot end a connection in order", zaplog.Error(err))
	}
}

// packets is a goroutine: the echo of a datagram socket. What cannot be sent back is lost, as
// datagrams are.
func (s *netStyle) packets(c *netconn.PacketConn) {
	g := newGrams(c)
	for {
		err := g.read()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.Warn("receiving failed", zaplog.Stringer("addr", c.LocalAddr()), zaplog.Error(err))
			time.Sleep(rest)
			continue
		}
		s.messages.Add(1)
		s.bytes.Add(uint64(g.n))
		if err := g.answer(); err != nil {
			s.log.Debug("datagram lost", zaplog.Error(err))
		}
	}
}
