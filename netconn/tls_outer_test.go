//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// serverSide returns a Conn and its peer, which is a connection of package net.
func serverSide(t *testing.T) (c *netconn.Conn, peer *net.TCPConn) {
	t.Helper()
	l := listen(t, "tcp")
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); raw.Close() })
	raw.SetDeadline(time.Now().Add(long))
	return nc.(*netconn.Conn), raw.(*net.TCPConn)
}

// In each callback of the config, ClientHelloInfo.Conn is the connection that was passed to Server.
// This also holds for the callbacks of a config that GetConfigForClient returns.
func TestTLSCallbacksGetTheConnection(t *testing.T) {
	var want net.Conn
	seen := 0
	check := func(h *tls.ClientHelloInfo) {
		seen++
		if h.Conn != want {
			t.Errorf("%T, want the connection", h.Conn)
		}
	}
	cert := certificate()
	get := func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { check(h); return &cert, nil }
	for name, cfg := range map[string]*tls.Config{
		"GetCertificate": {GetCertificate: get},
		"GetConfigForClient": {GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			check(h)
			return &tls.Config{GetCertificate: get}, nil
		}},
		"GetConfigForClient without another": {Certificates: []tls.Certificate{cert}, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			check(h)
			return nil, nil
		}},
	} {
		c, peer := serverSide(t)
		want, seen = c, 0
		shaken := make(chan error, 1)
		go func() { shaken <- tls.Client(peer, clientConfig()).Handshake() }()
		if err := errors.Join(netconn.Server(c, cfg).Handshake(), <-shaken); err != nil || seen == 0 {
			t.Errorf("%s: called %d times, %v", name, seen, err)
		}
	}
}

// Sessions are resumed although the config has callbacks, between connections of netconn and of
// crypto/tls. All these connections encrypt their tickets with the keys of this config.
func TestTLSSessionsAreResumedWithCallbacks(t *testing.T) {
	cert := certificate()
	inner := &tls.Config{Certificates: []tls.Certificate{cert}}
	for name, cfg := range map[string]*tls.Config{
		"GetCertificate":     {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }},
		"GetConfigForClient": {GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return inner, nil }},
	} {
		client := clientConfig()
		client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for i, ours := range []bool{true, true, false, true} {
			c, peer := serverSide(t)
			served := make(chan error, 1)
			go func() {
				var s net.Conn = tls.Server(c, cfg)
				if ours {
					s = netconn.Server(c, cfg)
				}
				_, err := s.Write([]byte("x")) // the server sends the ticket before this byte
				served <- err
			}()
			tc := tls.Client(peer, client)
			_, err := io.ReadFull(tc, make([]byte, 1))
			if err = errors.Join(err, <-served); err != nil {
				t.Fatal(name, err)
			}
			if resumed := tc.ConnectionState().DidResume; resumed != (i > 0) {
				t.Errorf("%s, connection %d: resumed %v", name, i, resumed)
			}
		}
	}
}

// A client sends plain HTTP to a TLS server. The RecordHeaderError has the connection. So
// net/http's answer reaches the peer, Close closes the connection, and a later write returns an
// error.
func TestTLSRecordErrorShowsTheConnection(t *testing.T) {
	c, peer := serverSide(t)
	fmt.Fprint(peer, "GET / HTTP/1.0\r\n\r\n")
	s := netconn.Server(c, serverConfig())
	for range 2 { // the error is permanent
		var re tls.RecordHeaderError
		if err := s.Handshake(); !errors.As(err, &re) || re.Conn != net.Conn(c) {
			t.Fatalf("%v shows %T", err, re.Conn)
		}
		if _, err := io.WriteString(re.Conn, "400 "); err != nil {
			t.Error(err)
		}
	}
	c.Close()
	if b, err := io.ReadAll(peer); string(b) != "400 400 " {
		t.Errorf("the peer has %q, %v", b, err)
	}
	var re tls.RecordHeaderError
	if err := s.Handshake(); !errors.As(err, &re) {
		t.Fatal(err)
	}
	if _, err := io.WriteString(re.Conn, "late"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A callback of a Handler's TLS config gets a connection with the right addresses, which any
// goroutine may close. After the close all calls of this connection fail. The error that Closed
// gets has such a connection too.
func TestTLSHandlersCallbacksGetAConnection(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	r := start(t)
	shown := make(chan net.Conn, 1)
	closed := make(chan error, 1)
	cert := certificate()
	cfg := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		shown <- h.Conn
		return &cert, nil
	}}
	at := make(chan net.Addr, 1)
	r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
			return &events{data: echoBack, closed: func(_ *reactor.Conn, err error) { closed <- err }}
		}, patient(cfg))
		if err != nil {
			panic(err)
		}
		at <- l.Addr()
	})
	addr := (<-at).String()
	c, err := tls.Dial("tcp", addr, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	roundTrip(t, c, "hello") // after this the server's handshake is complete too
	conn := <-shown
	if conn.LocalAddr().String() != addr || conn.RemoteAddr().String() != c.LocalAddr().String() {
		t.Errorf("%v from %v", conn.LocalAddr(), conn.RemoteAddr())
	}
	if own, ok := conn.(interface{ Conn() *reactor.Conn }); !ok || own.Conn().Reactor() != r {
		t.Errorf("%T does not know its Conn", conn)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(c); err != nil { // until close_notify
		t.Error(err)
	}
	c.Close()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	fmt.Fprint(raw, "GET / HTTP/1.0\r\n\r\n")
	var re tls.RecordHeaderError
	if err := <-closed; !errors.As(err, &re) {
		t.Fatal(err)
	}
	for _, dead := range []net.Conn{conn, re.Conn} {
		if n, err := dead.Write([]byte("x")); err == nil || n != 0 {
			t.Errorf("%T: a write after the end: %d, %v", dead, n, err)
		}
		if n, err := dead.Read(make([]byte, 1)); err == nil || n != 0 {
			t.Errorf("%T: a read after the end: %d, %v", dead, n, err)
		}
	}
}

// The callbacks get the context of HandshakeContext with its values, and it ends when that context
// ends. For a Handler's Conn the context ends with the handshake or at its time limit, even while a
// callback blocks the loop.
func TestTLSCallbacksGetTheContext(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	type key struct{}
	var seen context.Context
	cert := certificate()
	stuck := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		seen = h.Context()
		<-h.Context().Done()
		return nil, h.Context().Err()
	}}
	quick := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		seen = h.Context()
		return &cert, nil
	}}
	check := func(t *testing.T, server func() net.Conn) {
		ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "mine"), 50*time.Millisecond)
		defer cancel()
		err := netconn.Server(server(), stuck).HandshakeContext(ctx)
		_, dated := seen.Deadline()
		if !errors.Is(err, context.DeadlineExceeded) || seen.Value(key{}) != "mine" || !dated || seen.Err() != context.DeadlineExceeded {
			t.Errorf("%v; value %v, a deadline %v, %v", err, seen.Value(key{}), dated, seen.Err())
		}
	}
	t.Run("goroutine", func(t *testing.T) {
		check(t, func() net.Conn {
			c, peer := serverSide(t)
			peer.Write(clientHello(t))
			return c
		})
	})
	t.Run("task", func(t *testing.T) {
		r := start(t)
		hello := clientHello(t)
		inTask(r, func(*reactor.Task) {
			check(t, func() net.Conn {
				l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
				if err != nil {
					panic(err)
				}
				defer l.Close()
				raw, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					panic(err)
				}
				t.Cleanup(func() { raw.Close() })
				raw.Write(hello)
				c, err := l.Accept()
				if err != nil {
					panic(err)
				}
				return c
			})
		})
	})
	t.Run("handler", func(t *testing.T) {
		for _, cfg := range []*tls.Config{stuck, quick} {
			limit := long
			if cfg == stuck {
				limit = 100 * time.Millisecond
			}
			r := start(t)
			closed := make(chan error, 1)
			at := make(chan net.Addr, 1)
			r.Post(func() {
				l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
					return &events{closed: func(_ *reactor.Conn, err error) { closed <- err }}
				}, netconn.WithHandshakeTimeout(cfg, limit))
				if err != nil {
					panic(err)
				}
				at <- l.Addr()
			})
			c, err := net.Dial("tcp", (<-at).String())
			if err != nil {
				t.Fatal(err)
			}
			shaken := tls.Client(c, clientConfig()).Handshake()
			c.Close()
			<-closed
			if (shaken == nil) != (cfg == quick) || seen.Err() == nil {
				t.Errorf("%v; the context has ended: %v", shaken, seen.Err())
			}
		}
	})
}
