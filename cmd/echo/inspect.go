package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/ureactor/ureactor/inspect"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/reactor"
)

const (
	inspectConns = 16               // connections of the inspector at the same time
	inspectTime  = 10 * time.Second // for one request
	inspectHead  = 16 << 10         // bytes of a request's head, and of its body
)

// An inspector serves inspect's pages at a socket of package net, outside the loops, so that a loop
// that hangs can be seen. Each connection has one request. That needs far less code than
// http.Server, which brings HTTP/2 and would make this program a sixth larger.
type inspector struct {
	l    net.Listener
	h    http.Handler
	room chan struct{}
	log  *zaplog.Logger
	line string // for standard output

	mu   sync.Mutex // guards the rest
	open map[net.Conn]bool
}

// newInspector listens at -inspect's address, nil without one.
func newInspector(cfg *config, g *reactor.Group, level inspect.Level, log *zaplog.Logger) (*inspector, error) {
	if cfg.inspect == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", cfg.inspect)
	if err != nil {
		return nil, fmt.Errorf("-inspect %s: %w", cfg.inspect, err)
	}
	line := fmt.Sprintf("inspect at http://%s/", l.Addr())
	opts := []inspect.Option{inspect.WithLogLevel(level)}
	if cfg.inspectActions {
		token := rand.Text()
		opts = append(opts, inspect.WithActions(token))
		line += ", the token for actions is " + token
	}
	return &inspector{l: l, h: inspect.Handler(g.Loops(), opts...), room: make(chan struct{}, inspectConns), log: log,
		line: line, open: map[net.Conn]bool{}}, nil
}

// loopback returns whether an address of -inspect can be reached from this machine only. A name
// could be looked up as anything.
func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().IsLoopback()
}

func (s *inspector) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			s.mu.Lock()
			ended := s.open == nil
			s.mu.Unlock()
			if ended {
				return
			}
			s.log.Warn("inspect: accept failed", zaplog.Error(err))
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
			s.one(c)
		}()
	}
}

// one serves the one request of a connection.
func (s *inspector) one(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	if s.open == nil {
		s.mu.Unlock()
		return
	}
	s.open[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	_ = c.SetDeadline(time.Now().Add(inspectTime)) // it is open, or every later call fails
	in := bufio.NewReader(io.LimitReader(c, 2*inspectHead))
	req, err := http.ReadRequest(in)
	w := &answer{head: http.Header{}}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
	} else {
		s.h.ServeHTTP(w, req)
		w.noBody = req.Method == http.MethodHead
	}
	w.sendTo(c)
	// A close with unread input would reset the connection, and the answer with it.
	_ = c.(*net.TCPConn).CloseWrite() // an error ends the copy
	_, _ = io.Copy(io.Discard, in)
}

// close ends the inspector. A second call does nothing, and a nil inspector has nothing to end.
func (s *inspector) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	open := s.open
	s.open = nil
	s.mu.Unlock()
	_ = s.l.Close() // nothing depends on it any more
	for c := range open {
		_ = c.SetDeadline(time.Now())
	}
}

// An answer is an http.ResponseWriter that keeps the answer.
type answer struct {
	head http.Header
	code int
	body bytes.Buffer

	noBody bool // of HEAD
}

func (w *answer) Header() http.Header { return w.head }

func (w *answer) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// sendTo sends the answer. A client that has left does not get it.
func (w *answer) sendTo(c net.Conn) {
	w.WriteHeader(http.StatusOK)
	w.head.Set("Content-Length", fmt.Sprint(w.body.Len()))
	w.head.Set("Connection", "close")
	var all bytes.Buffer
	fmt.Fprintf(&all, "HTTP/1.1 %d %s\r\n", w.code, http.StatusText(w.code))
	for name, values := range w.head { // http.Header.Write would link a sorter for it
		fmt.Fprintf(&all, "%s: %s\r\n", name, values[0]) // the handler's own words, one of each
	}
	all.WriteString("\r\n")
	if !w.noBody {
		all.Write(w.body.Bytes())
	}
	_, _ = c.Write(all.Bytes())
}
