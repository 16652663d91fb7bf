//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/reactor"
)

// A gate is a Handler that pauses its Conn at the first data, until the test resumes the Conn.
type gate struct {
	events
	c      *reactor.Conn
	paused chan bool
	got    []byte
	all    chan []byte
}

func newGate() *gate {
	g := &gate{paused: make(chan bool, 1), all: make(chan []byte, 1)}
	g.data = func(c *reactor.Conn, p []byte) {
		if g.got = append(g.got, p...); g.c == nil {
			g.c = c
			c.Pause()
			g.paused <- true
		}
	}
	g.eof = func(c *reactor.Conn) { c.Close() }
	g.closed = func(_ *reactor.Conn, err error) {
		if err != nil {
			g.got = append(g.got, err.Error()...)
		}
		g.all <- g.got
	}
	return g
}

// If a Handler is paused, its unread encrypted input is kept. This holds even if the input is only
// one byte, and if another Conn uses the loop's buffer meanwhile. crypto/tls gets the first 16
// records together, so all other records are unread.
func TestTLSInputOfAPausedConnIsKept(t *testing.T) {
	const records = 40
	for _, keep := range []int{0, 1, 3, 30, 500} {
		r := start(t)
		g := newGate()
		handlers := []reactor.Handler{g, &events{data: func(c *reactor.Conn, p []byte) { echoBack(c, p) }}}
		at := serveTLS(t, r, func() reactor.Handler { h := handlers[0]; handlers = handlers[1:]; return h })
		raw, err := net.Dial("tcp", at.String())
		must(t, err)
		defer raw.Close()
		must(t, raw.SetDeadline(time.Now().Add(long)))
		w := &cutter{Conn: raw}
		c := tls.Client(w, clientConfig())
		must(t, c.Handshake())
		other := dialTLS(t, at)
		w.shaken = true
		want := noise(records)
		for _, b := range want {
			_, err := c.Write([]byte{b})
			must(t, err)
		}
		first := len(w.held) / records * 16 // the bytes of 16 records
		must(t, w.send(len(w.held)-first-min(keep, len(w.held)-first)))
		<-g.paused
		roundTrip(t, other, string(noise(60_000)))
		must(t, c.CloseWrite())
		must(t, raw.SetDeadline(time.Now().Add(long))) // after CloseWrite nothing else is sent
		must(t, w.send(0))
		must(t, r.Post(func() { g.c.Resume() }))
		if got := <-g.all; !bytes.Equal(got, want) {
			t.Errorf("%d bytes of the rest: %d of %d bytes, or they differ: %.100q", keep, len(got), len(want), got)
		}
	}
}

// A turn cannot decrypt all of a ClientHello in records of one byte. The loop continues in later
// turns, although no more input arrives.
func TestTLSHandshakeInRecordsOfOneByte(t *testing.T) {
	at := serveTLS(t, start(t), func() reactor.Handler { return &events{data: echoBack} })
	raw, err := net.Dial("tcp", at.String())
	must(t, err)
	must(t, raw.SetDeadline(time.Now().Add(long)))
	c := tls.Client(&splitter{Conn: raw}, clientConfig())
	defer c.Close()
	roundTrip(t, c, "hello")
}

// splitter cuts the first record into records of one byte.
type splitter struct {
	net.Conn
	done bool
}

func (s *splitter) Write(p []byte) (int, error) {
	if s.done {
		return s.Conn.Write(p)
	}
	s.done = true
	var all []byte
	for _, b := range p[5:] {
		all = append(all, p[0], p[1], p[2], 0, 1, b)
	}
	if _, err := s.Conn.Write(all); err != nil {
		return 0, err
	}
	return len(p), nil
}

// A picture of the loop shows whether the handshake is in progress, and what it has agreed on.
func TestTLSIsDescribed(t *testing.T) {
	describe := func(c *reactor.Conn) inside.TLS {
		return *c.Filter().(interface{ DescribeTLS() *inside.TLS }).DescribeTLS()
	}
	r := start(t)
	seen, at := make(chan inside.TLS, 2), make(chan net.Addr, 1)
	cert := certificate()
	cfg := &tls.Config{NextProtos: []string{"x"}, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		seen <- describe(h.Conn.(interface{ Conn() *reactor.Conn }).Conn())
		return &cert, nil
	}}
	r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
			return &events{data: func(c *reactor.Conn, p []byte) { seen <- describe(c); echoBack(c, p) }}
		}, patient(cfg))
		if err != nil {
			panic(err)
		}
		at <- l.Addr()
	})
	client := clientConfig()
	client.NextProtos, client.MaxVersion = cfg.NextProtos, tls.VersionTLS12
	client.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	c, err := tls.Dial("tcp", (<-at).String(), client)
	must(t, err)
	defer c.Close()
	roundTrip(t, c, "hello")
	want := inside.TLS{Version: "TLS 1.2", Cipher: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ServerName: "localhost", ALPN: "x"}
	if first, second := <-seen, <-seen; first != (inside.TLS{Handshaking: true}) || second != want {
		t.Errorf("in the handshake %+v, after it %+v", first, second)
	}
}
