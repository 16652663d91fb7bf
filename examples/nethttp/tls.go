package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/ureactor/ureactor/netconn"
)

// net/http speaks HTTP/2 in two cases. One is a *tls.Conn whose handshake has agreed on HTTP/2. The
// other is a connection without TLS whose client begins with HTTP/2 (Protocols.UnencryptedHTTP2).
// This file uses the second case for the TLS of package netconn: its handshake agrees on HTTP/2,
// and net/http gets a connection that looks unencrypted.
var both = func() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}()

// overOurTLS makes s speak TLS of package netconn on the connections that l accepts. The time limit
// for a request's header is also that of the handshake.
func overOurTLS(s *http.Server, l net.Listener) net.Listener {
	cfg := s.TLSConfig.Clone()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	s.Protocols = both
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, stateOf{}, c.(*opaque).tls)
	}
	h := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		state := q.Context().Value(stateOf{}).(*netconn.TLSConn).ConnectionState()
		q.TLS = &state
		h.ServeHTTP(w, q)
	})
	return opaqueListener{netconn.NewTLSListener(l, cfg)}
}

type stateOf struct{} // the key of a connection in a request's context

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := c.(*netconn.TLSConn)
	return &opaque{Conn: t, tls: t, checks: true}, nil
}

// An opaque connection is a TLSConn without the method ConnectionState, so net/http takes it for an
// unencrypted one.
type opaque struct {
	net.Conn
	tls    *netconn.TLSConn
	checks bool   // the client's preface has not been checked yet
	held   []byte // bytes that check has read and Read has not returned
	err    error  // why check has failed
}

// preface is what a client of HTTP/2 sends first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// CloseWrite ends the output. net/http calls it.
func (c *opaque) CloseWrite() error { return c.tls.CloseWrite() }

// Read ends the connection of a client that has agreed on HTTP/2 and speaks something else.
// net/http itself would answer such a client in HTTP/1.1.
func (c *opaque) Read(p []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	if len(c.held) > 0 {
		n := copy(p, c.held)
		c.held = c.held[n:]
		return n, nil
	}
	return c.tls.Read(p)
}

// check reads the preface. A deadline may end it, and the next call continues.
func (c *opaque) check() error {
	for c.checks && c.err == nil {
		if err := c.tls.Handshake(); err != nil {
			return err
		}
		if c.tls.ConnectionState().NegotiatedProtocol != "h2" || len(c.held) == len(preface) {
			c.checks = false
			break
		}
		var room [len(preface)]byte
		n, err := c.tls.Read(room[:len(preface)-len(c.held)])
		if err != nil {
			return err
		}
		if c.held = append(c.held, room[:n]...); !strings.HasPrefix(preface, string(c.held)) {
			// net/http closes without an answer after a *net.OpError.
			c.err = &net.OpError{Op: "read", Net: "tcp", Addr: c.RemoteAddr(), Err: errPreface}
		}
	}
	return c.err
}

var errPreface = errors.New("no HTTP/2 preface")

// throughOurTLS returns a Transport over TLS of package netconn, for servers that speak HTTP/2.
func throughOurTLS(cfg *tls.Config) *http.Transport {
	p := &http.Protocols{}
	p.SetUnencryptedHTTP2(true)
	return &http.Transport{Protocols: p, DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := netconn.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		cfg := cfg.Clone()
		cfg.NextProtos = []string{"h2"}
		if cfg.ServerName == "" {
			cfg.ServerName, _, _ = net.SplitHostPort(addr)
		}
		t := netconn.Client(c, cfg)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = t.Close()
			return nil, err
		}
		return &opaque{Conn: t, tls: t}, nil
	}}
}
