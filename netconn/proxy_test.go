//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ureactor/ureactor/proxyproto"
	"github.com/ureactor/ureactor/reactor"
)

// TLS may follow a header of the PROXY protocol, even in the same write. Opened and the callbacks
// of the TLS configuration get the client's address from the header.
func TestTLSBehindAProxyHeader(t *testing.T) {
	client := netip.MustParseAddrPort("192.0.2.7:1234")
	h := proxyproto.Header{Version: 2, Source: client, Destination: netip.MustParseAddrPort("192.0.2.1:443")}
	header, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 2)
	r := start(t)
	at := make(chan net.Addr, 1)
	_ = r.Post(func() {
		cfg := serverConfig()
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			seen <- hello.Conn.RemoteAddr().String()
			return nil, nil
		}
		accept := func(*reactor.Conn) reactor.Handler {
			return &events{opened: func(c *reactor.Conn) { seen <- c.RemoteAddr().String() }, data: echoBack}
		}
		l, err := r.Listen("tcp", "127.0.0.1:0", accept, patient(cfg), reactor.WithProxy(netip.MustParsePrefix("127.0.0.0/8")))
		if err != nil {
			t.Error(err)
		}
		at <- l.Addr()
	})
	addr := (<-at).String()
	for _, together := range []bool{false, true} {
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		var below net.Conn = raw
		if together {
			below = &prefixed{raw, header}
		} else if _, err := raw.Write(header); err != nil {
			t.Fatal(err)
		}
		c := tls.Client(below, clientConfig())
		_ = c.SetDeadline(time.Now().Add(long))
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
			t.Errorf("%q, %v", got, err)
		}
		for range 2 {
			if from := <-seen; from != client.String() {
				t.Errorf("the client is %s", from)
			}
		}
		c.Close()
	}
}

// prefixed puts bytes in front of its first write.
type prefixed struct {
	net.Conn
	first []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	all := append(p.first, b...)
	n, err := p.Conn.Write(all)
	n -= len(p.first)
	p.first = nil
	return n, err
}
