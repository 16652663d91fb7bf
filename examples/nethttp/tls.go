package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/ureactor/ureactor/netconn"
)

// net/http speaks HTTP/2 on a *tls.Conn, where the handshake has agreed on it, and on a connection
// without TLS, where the client knows (Protocols.UnencryptedHTTP2). The second is for TLS of
// another kind too: the handshake agrees, and net/http is given a connection that does not say that
// it is TLS.
var both = func() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}()

// overOurTLS has s speak TLS of package netconn on what l, of that package, accepts. The time for a
// request's lines is the handshake's too.
func overOurTLS(s *http.Server, l net.Listener) net.Listener {
	cfg := s.TLSConfig.Clone()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	s.Protocols = both
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, stateOf{}, c.(opaque).tls)
	}
	h := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { // tells it that it is TLS
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
	return opaque{t, t}, nil
}

// An opaque connection has no ConnectionState.
type opaque struct {
	net.Conn
	tls *netconn.TLSConn
}

// CloseWrite is what net/http says goodbye with.
func (c opaque) CloseWrite() error { return c.tls.CloseWrite() }

// throughOurTLS is a client's Transport over TLS of package netconn, for servers that speak HTTP/2.
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
		return opaque{t, t}, nil
	}}
}
