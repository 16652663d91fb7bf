package websocket

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// messages returns messages of every relevant size, compressible or not.
func messages() (all [][]byte) {
	for i, n := range []int{0, 1, 125, 126, 127, 128, 1000, 4096, 4097, 40_000, 65535, 65536, 300_000}[:longtest.Count(12, 13, 13)] {
		p := bytes.Repeat([]byte("what a fine text "), n/17+1)[:n]
		if i%2 == 1 {
			x := uint32(i)
			for j := range p {
				x = x*1664525 + 1013904223
				p[j] = byte(x >> 24)
			}
		}
		all = append(all, p, p)
	}
	return all
}

func tlsPair(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	cert, err := selfsigned.New()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

var compressions = map[string]*Compression{
	"plain": nil, "deflate": {Least: 1}, "takeover": {Least: 1, Takeover: true}, "level 6": {Least: 1, Level: 6, Takeover: true},
}

func with(c *Compression, opts ...Option) []Option {
	if c != nil {
		opts = append(opts, WithCompression(*c))
	}
	return opts
}

// on calls f on the loop and waits for its end.
func (b *lab) on(f func()) {
	b.Helper()
	done := make(chan struct{})
	if err := b.r.Post(func() { f(); close(done) }); err != nil {
		b.Fatal(err)
	}
	<-done
}

// A client and a server of this package echo every message: with and without TLS, and with each
// kind of compression on either side. Both sides end the connection in order.
func TestClientAndServer(t *testing.T) {
	serverTLS, clientTLS := tlsPair(t)
	for ours, a := range compressions {
		for theirs, z := range compressions {
			for scheme, listen := range map[string][]reactor.ListenOption{"ws": nil, "wss": {netconn.WithHandshakeTimeout(serverTLS, time.Hour)}} {
				fewer := longtest.Count(1, 0, 0) == 1
				if (scheme == "wss" || fewer) && ours != theirs || scheme == "wss" && fewer && ours != "takeover" {
					continue
				}
				t.Run(fmt.Sprint(scheme, " ", ours, " ", theirs), func(t *testing.T) {
					ends := make(chan error, 2)
					b := serveWith(t, func(r *Request) Handler {
						return &funcs{message: echo, closed: func(_ *Conn, err error) { ends <- err }}
					}, listen, with(a, WithSubprotocols("two", "one"))...)
					want := messages()
					i := 0
					client := &funcs{closed: func(_ *Conn, err error) { ends <- err }}
					client.opened = func(c *Conn) {
						if c.Subprotocol() != "two" || c.Compressed() != (a != nil && z != nil) {
							t.Errorf("subprotocol %q, compressed %v", c.Subprotocol(), c.Compressed())
						}
						_ = c.Send(Binary, want[0])
					}
					client.message = func(c *Conn, kind Kind, p []byte) {
						if kind != Binary || !bytes.Equal(p, want[i]) {
							t.Errorf("message %d is another one", i)
						}
						if i++; i == len(want) {
							_ = c.Close(Normal, "done")
							return
						}
						if err := c.Send(Binary, want[i]); err != nil {
							t.Error(err)
						}
					}
					opts := with(z, append(patience(), WithSubprotocols("one", "two"))...)
					if scheme == "wss" {
						opts = append(opts, WithTLS(clientTLS))
					}
					b.on(func() {
						if _, err := Dial(b.r, scheme+"://"+b.at+"/x", client, opts...); err != nil {
							t.Error(err)
							ends <- err
						}
					})
					first, second := <-ends, <-ends
					var why *CloseError
					if !errors.As(first, &why) {
						first, second = second, first
					}
					if !errors.As(first, &why) || *why != (CloseError{Normal, "done", true}) || second != nil {
						t.Errorf("ends: %v, %v", first, second)
					}
				})
			}
		}
	}
}

// A client and a server in blocking style echo every message. The server uses connections of
// netconn. The client uses connections of package net, with and without netconn's TLS.
func TestStreams(t *testing.T) {
	serverTLS, clientTLS := tlsPair(t)
	for name, z := range compressions {
		for _, scheme := range []string{"ws", "wss"} {
			if name != "takeover" && longtest.Count(0, 1, 1) == 0 {
				continue
			}
			t.Run(scheme+" "+name, func(t *testing.T) { streams(t, scheme, z, serverTLS, clientTLS) })
		}
	}
}

func streams(t *testing.T, scheme string, z *Compression, serverTLS, clientTLS *tls.Config) {
	s, err := NewServer(nil, with(z, WithSubprotocols("p"))...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			ended <- err
			return
		}
		if scheme == "wss" {
			nc = netconn.Server(nc, serverTLS)
		}
		st, err := s.Stream(nc)
		for err == nil {
			var kind Kind
			var p []byte
			if kind, p, err = st.Receive(); err == nil {
				err = st.Send(kind, p)
			}
		}
		ended <- err
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "wss" {
		nc = netconn.Client(nc, clientTLS)
	}
	st, err := NewStream(nc, scheme+"://example.org/path", with(z, WithSubprotocols("q", "p"))...)
	if err != nil {
		t.Fatal(err)
	}
	if st.Subprotocol() != "p" {
		t.Errorf("subprotocol %q", st.Subprotocol())
	}
	for i, want := range messages() {
		if err := errors.Join(st.Ping([]byte("x")), st.Send(Binary, want)); err != nil {
			t.Fatal(err)
		}
		if kind, p, err := st.Receive(); err != nil || kind != Binary || !bytes.Equal(p, want) {
			t.Fatalf("message %d: %v, %d bytes, %v", i, kind, len(p), err)
		}
	}
	if err := st.Close(Normal, ""); err != nil {
		t.Error(err)
	}
	if _, _, err := st.Receive(); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
	var why *CloseError
	if err := <-ended; !errors.As(err, &why) || why.Code != Normal || !why.Peer {
		t.Errorf("the server: %v", err)
	}
}

// A Hub sends each Frame to all members in order, although the loop reaches only some members in
// each turn.
func TestHubReachesAll(t *testing.T) {
	if !longtest.Default(t, "700 connections") {
		return
	}
	const guests, frames = 700, 10
	var hub *Hub
	joined := make(chan struct{}, guests)
	b := serve(t, func(r *Request) Handler {
		return &funcs{
			opened: func(c *Conn) { hub.Join(c); joined <- struct{}{} },
			closed: func(c *Conn, _ error) { hub.Leave(c) },
		}
	}, WithCompression(Compression{}))
	s, _ := NewServer(nil, WithCompression(Compression{}))
	b.on(func() { hub = NewHub(b.r, WaitForSlow) })
	done := make(chan error, guests)
	left := guests
	b.on(func() {
		for i := range guests {
			n := 0
			h := &funcs{closed: func(_ *Conn, err error) { done <- err }}
			h.message = func(c *Conn, kind Kind, p []byte) {
				if string(p) != fmt.Sprint("frame ", n, strings.Repeat(" and so on", 30)) {
					t.Errorf("guest %d: %d: %.20q", i, n, p)
				}
				if n++; n == frames {
					_ = c.Close(Normal, "")
				}
			}
			if _, err := Dial(b.r, "ws://"+b.at, h, with(compressions[[]string{"plain", "deflate", "takeover"}[i%3]], patience()...)...); err != nil {
				t.Error(err)
			}
		}
	})
	for range guests {
		<-joined
	}
	b.on(func() {
		for i := range frames {
			if err := hub.Send(s.NewFrame(Text, []byte(fmt.Sprint("frame ", i, strings.Repeat(" and so on", 30))))); err != nil {
				t.Error(err)
			}
		}
	})
	for ; left > 0; left-- {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	b.on(func() {
		if hub.Buffered() != 0 || len(hub.frames) != 0 {
			t.Errorf("the Hub keeps %d bytes", hub.Buffered())
		}
	})
}
