package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// netStyle is the server in the style of package net: a goroutine for each listener, connection and
// datagram socket. The loop only closes connections in order.
type netStyle struct {
	g   *reactor.Group
	cfg *config
	log *zaplog.Logger

	goroutines sync.WaitGroup
	draining   atomic.Bool

	mu    sync.Mutex // guards the fields below
	open  map[stream]bool
	quits []func() // functions that each end a listener or a datagram socket
	gaps  reactor.UndeliveredError

	conns           atomic.Int64
	messages, bytes atomic.Uint64
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
	// The first wait needs descriptors for its Poller. So the server makes a first wait now, while
	// descriptors are free.
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
	n := s.g.Stats() // includes the connections that Retire closes
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

// shutdown ends all goroutines. Goroutines that wait for input end at once. Goroutines that send
// end when ctx ends, at the latest.
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

// A room has a place for each permitted connection of an address. A nil room has no limit.
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
		r.take() // before accept, so connections without a place wait in the backlog
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

// start serves a connection that has a place.
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

// packets runs on a goroutine and echoes the datagrams of a socket. A datagram that it cannot send
// back is lost.
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
