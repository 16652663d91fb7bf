package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/inspector"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/reactor"
)

const (
	pageConns = 16               // connections to the pages at the same time
	pageTime  = 10 * time.Second // for one request
)

// pages serves the pages of package inspect at a socket of package net, outside the loops. So a
// loop that hangs can be seen. Each connection has one request. A server with net/http would make
// this program 1 MB larger.
type pages struct {
	l    net.Listener
	in   *inspector.Inspector
	room chan struct{}
	log  *zaplog.Logger
	line string // for standard output

	mu    sync.Mutex // guards the rest
	conns map[net.Conn]bool
	ended bool
}

// newPages listens at -inspect's address. It returns nil without one.
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

// loopback returns whether an address of -inspect can be reached from this machine only. A name
// could be looked up as anything.
func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().IsLoopback()
}

// serve accepts until close.
func (s *pages) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			s.mu.Lock()
			ended := s.ended
			s.mu.Unlock()
			if ended {
				return
			}
			s.log.Warn("accept failed for -inspect", zaplog.Error(err))
			time.Sleep(rest)
			continue
		}
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

// serveConn answers the one request of a connection.
func (s *pages) serveConn(c net.Conn) {
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
	_ = c.SetDeadline(time.Now().Add(pageTime)) // it is open
	in := bufio.NewReader(io.LimitReader(c, requestMost))
	r, err := readRequest(in)
	if err == nil {
		writeResponse(c, s.in.Serve(r), r.Method != "HEAD")
	} else if err != errNoRequest {
		writeResponse(c, &inspector.Response{Code: 400, Body: []byte(err.Error() + "\n")}, true)
	}
	// A close with unread input would reset the connection, and the answer with it.
	_ = c.(*net.TCPConn).CloseWrite() // an error ends the copy
	_, _ = io.Copy(io.Discard, in)
}

// close ends the server. On nil it does nothing.
func (s *pages) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	_ = s.l.Close() // nothing depends on it any more
	for c := range s.conns {
		_ = c.SetDeadline(time.Now())
	}
}

// writeResponse sends the answer. A client that has left does not get it.
func writeResponse(c net.Conn, w *inspector.Response, body bool) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d \r\nContent-Length: %d\r\nConnection: close\r\n", w.Code, len(w.Body))
	for name, value := range w.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	if body {
		b.Write(w.Body)
	}
	_, _ = c.Write(b.Bytes())
}
