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

// net/http uses HTTP/2 in two cases. One is a *tls.Conn whose handshake has agreed on HTTP/2. The
// other is a connection without TLS whose client begins with HTTP/2 (Protocols.UnencryptedHTTP2).
// This file uses the second case for TLS of package netconn: its handshake agrees on HTTP/2, and
// net/http gets a connection that looks unencrypted.
var both = func() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}()

// overOurTLS makes s use TLS of package netconn on the connections that l accepts. The time limit
// for the header of a request also applies to the handshake.
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

type stateOf struct{} // the key under which a request's context has the connection

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := c.(*netconn.TLSConn)
	return &opaque{Conn: t, tls: t, checks: true}, nil
}

// An opaque connection is a TLSConn without the method ConnectionState. So net/http treats it as
// unencrypted.
type opaque struct {
	net.Conn
	tls    *netconn.TLSConn
	checks bool   // the preface of the client must still be checked
	held   []byte // bytes that check has read, and that Read has not returned yet
	err    error  // the error of check
}

// preface is what an HTTP/2 client sends first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// CloseWrite ends the output. net/http calls it.
func (c *opaque) CloseWrite() error { return c.tls.CloseWrite() }

// If a client has agreed on HTTP/2 and sends something else, Read ends the connection. net/http
// itself would send such a client an answer in HTTP/1.1.
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

// check reads the preface. If a deadline ends it, the next call continues.
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
			// After a *net.OpError net/http closes the connection without an answer.
			c.err = &net.OpError{Op: "read", Net: "tcp", Addr: c.RemoteAddr(), Err: errPreface}
		}
	}
	return c.err
}

var errPreface = errors.New("no HTTP/2 preface")

// throughOurTLS returns a Transport over TLS of package netconn, for servers that support HTTP/2.
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
