package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/inspector"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/reactor"
)

const (
	pageConns = 16               // connections to the pages at the same time
	spareMost = 4                // how many of them work even if no descriptor is free
	pageTime  = 10 * time.Second // for one request
)

// pages serves the pages of package inspect at a socket of package net, outside of the loops. So
// the pages show even a loop that hangs. net/http would make this program 1 MB larger, so pages
// does not use it.
type pages struct {
	l    net.Listener
	in   *inspector.Inspector
	room chan struct{}
	log  *zaplog.Logger
	line string // for standard output

	mu     sync.Mutex // guards the fields below
	conns  map[net.Conn]bool
	spares []*os.File // reserved descriptors, for when no other is free
	ended  bool
}

// newPages listens at the address of -inspect. Without -inspect it returns nil.
func newPages(cfg *config, g *reactor.Group, level inspector.Level, log *zaplog.Logger) (*pages, error) {
	if cfg.inspect == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", cfg.inspect)
	if err != nil {
		return nil, fmt.Errorf("-inspect %s: %w", cfg.inspect, err)
	}
	s := &pages{l: l, room: make(chan struct{}, pageConns), log: log, conns: map[net.Conn]bool{},
		line: fmt.Sprintf("inspect at http://%s/", l.Addr())}
	token := ""
	if cfg.inspectActions {
		token = rand.Text()
		s.line += ", the token for actions is " + token
	}
	s.in = inspector.New(inspector.Config{Loops: g.Loops(), Token: token, Level: level})
	return s, nil
}

// loopback returns whether an address of -inspect can be reached only from this machine. It returns
// false for a host name, which may mean any address.
func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().IsLoopback()
}

// serve accepts connections until close.
func (s *pages) serve() {
	s.keepSpares()
	for warned := false; ; {
		c, err := s.accept()
		if err != nil {
			s.mu.Lock()
			ended := s.ended
			s.mu.Unlock()
			if ended {
				return
			}
			if !warned {
				s.log.Warn("accept failed for -inspect", zaplog.Error(err))
			}
			warned = true
			time.Sleep(rest)
			continue
		}
		warned = false
		select {
		case s.room <- struct{}{}:
		default:
			c.Close()
			continue
		}
		go func() {
			defer func() { <-s.room }()
			s.serveConn(c)
		}()
	}
}

// accept accepts a connection. If no descriptor is free, accept uses a reserved one, because in
// that situation the page is needed most.
func (s *pages) accept() (net.Conn, error) {
	c, err := s.l.Accept()
	if err == nil {
		return c, nil
	}
	s.mu.Lock()
	n := len(s.spares)
	if n == 0 || s.ended {
		s.mu.Unlock()
		return nil, err
	}
	s.spares[n-1].Close()
	s.spares = s.spares[:n-1]
	s.mu.Unlock()
	return s.l.Accept()
}

// keepSpares reserves descriptors again. If too few are free, a later call reserves the rest.
func (s *pages) keepSpares() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.spares) < spareMost && !s.ended {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		s.spares = append(s.spares, f)
	}
}

// serveConn answers the requests of a connection. The script of a page sends a request each second,
// all on one connection. So the page works even if no descriptor is free for another connection.
func (s *pages) serveConn(c net.Conn) {
	defer s.keepSpares() // deferred, so that the descriptor is reserved before a loop uses it
	defer c.Close()
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	limit := &io.LimitedReader{R: c}
	for in := bufio.NewReader(limit); ; {
		limit.N = inspector.RequestMost
		_ = c.SetDeadline(time.Now().Add(pageTime)) // cannot fail on an open connection
		r, last, err := inspector.ReadRequest(in)
		if err == inspector.ErrNoRequest {
			return
		}
		w := &inspector.Response{Code: 400}
		if err != nil {
			w.Body = []byte(err.Error() + "\n")
		} else {
			w = s.in.Serve(r)
			_, err = io.Copy(io.Discard, r.Body)
		}
		last = last || err != nil || limit.N <= 0
		if !writeResponse(c, w, err != nil || r.Method != "HEAD", last) {
			return
		}
		if last {
			// A close with unread input would reset the connection, and the answer would be lost.
			_ = c.(*net.TCPConn).CloseWrite() // after an error the copy ends
			_, _ = io.Copy(io.Discard, in)
			return
		}
	}
}

// close ends the server. For a nil pages it does nothing.
func (s *pages) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	_ = s.l.Close() // the error does not matter
	for c := range s.conns {
		_ = c.SetDeadline(time.Now())
	}
	for _, f := range s.spares {
		f.Close()
	}
	s.spares = nil
}

// writeResponse sends the answer. It returns false if the client has disconnected.
func writeResponse(c net.Conn, w *inspector.Response, body, last bool) bool {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d \r\nContent-Length: %d\r\n", w.Code, len(w.Body))
	if last {
		b.WriteString("Connection: close\r\n")
	}
	for name, value := range w.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	if body {
		b.Write(w.Body)
	}
	_, err := c.Write(b.Bytes())
	return err == nil
}
