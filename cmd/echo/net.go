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
	"github.com/ureactor/ureactor/socket"
)

// netStyle is the server as written with package net: a goroutine for each listener, connection and
// datagram socket. The loop only ends connections in order.
type netStyle struct {
	g   *reactor.Group
	cfg *config
	log *zaplog.Logger

	goroutines sync.WaitGroup
	draining   atomic.Bool

	mu    sync.Mutex // guards the fields below
	open  map[stream]bool
	quits []func() // each ends a listener or a datagram socket
	gaps  reactor.UndeliveredError

	conns           atomic.Int64
	messages, bytes atomic.Uint64
}

// A stream is a *netconn.Conn, a *netconn.UnixConn or, with -tls, a *netconn.TLSConn.
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
	// The first wait needs descriptors for its Poller. It happens now, while some are free.
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
	n := s.g.Stats() // includes the connections that Retire ends
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

// shutdown ends all goroutines. Those that wait for input end at once, and those that send when ctx
// ends at the latest.
func (s *netStyle) shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining.Store(true)
	s.log.Info("draining", zaplog.Int("conns", s.conns.Load()))
	for _, quit := range s.quits {
		quit()
	}
	for c := range s.open {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed connection
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

// A room has a place for each connection of an address. A nil room has no limit.
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
		r.take() // first, so that connections without a place wait in the backlog
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
			s.log.Warn("accept failed; retrying until it succeeds", zaplog.Stringer("addr", l.Addr()), zaplog.Error(err))
		}
		failing = true
		time.Sleep(rest)
	}
}

// start serves a connection that has its place.
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

// serve is a goroutine: it echoes one connection.
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

// shake does the handshake, if there is one.
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

// patience sets the idle time as the deadline of a call.
func (s *netStyle) patience(set func(time.Time) error) {
	if s.cfg.idle > 0 {
		s.deadline(set, s.cfg.idle)
	}
}

// deadline sets the deadline to d from now; 0 means none. It keeps the deadline of a drain.
func (s *netStyle) deadline(set func(time.Time) error, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	if !s.draining.Load() {
		_ = set(at) // on a closed connection the next call fails
	}
}

// sendBack sends all of p and returns how much is left. The deadline ends only a Write that has
// moved nothing, because a slow reader is not a quiet one.
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

// ended ends a connection that has sent everything, in order. A plain Close would reset it if the
// peer has sent more.
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

// gap resets a connection on which bytes are missing. An echo with a gap would be worse than none.
func (s *netStyle) gap(c stream, left int, err error) {
	s.log.Debug("cannot send back", zaplog.Int("bytes", left), zaplog.Error(err))
	if s.draining.Load() {
		s.mu.Lock()
		s.gaps.Bytes += int64(left)
		s.gaps.Conns++
		s.mu.Unlock()
	}
	if tcp, ok := below(c).(*netconn.Conn); ok {
		_ = tcp.SetLinger(0) // it fails only if the connection is closed
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

// retire passes a connection to the loop, which ends it.
func (s *netStyle) retire(c stream) {
	fd, err := below(c).(interface{ Socket() *socket.Socket }).Socket().Detach()
	if err == nil {
		done := make(chan error, 1)
		err = s.g.Post(func(r *reactor.Reactor) { done <- r.Retire(fd) })
		if err == nil {
			err = <-done // from now on a drain includes it
		}
	}
	if err != nil {
		s.log.Error("cannot end a connection in order", zaplog.Error(err))
	}
}

// packets is a goroutine: it echoes the datagrams of a socket. A datagram that it cannot send back
// is lost.
func (s *netStyle) packets(c packetConn) {
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
