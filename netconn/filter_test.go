//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// events is a handler made of functions. A nil function does nothing.
type events struct {
	opened func(c *reactor.Conn)
	data   func(c *reactor.Conn, p []byte)
	eof    func(c *reactor.Conn)
	drain  func(c *reactor.Conn)
	closed func(c *reactor.Conn, err error)
}

func (h *events) Opened(c *reactor.Conn) {
	if h.opened != nil {
		h.opened(c)
	}
}

func (h *events) Data(c *reactor.Conn, p []byte) {
	if h.data != nil {
		h.data(c, p)
	}
}

func (h *events) EOF(c *reactor.Conn) {
	if h.eof != nil {
		h.eof(c)
		return
	}
	c.Close()
}

func (h *events) Drained(c *reactor.Conn) {
	if h.drain != nil {
		h.drain(c)
	}
}

func (h *events) Closed(c *reactor.Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

func echoBack(c *reactor.Conn, p []byte) {
	if c.Send(p) != nil {
		c.Abort()
	}
}

// patient is WithTLS for a slow machine, on which a handshake may take longer than the default.
func patient(cfg *tls.Config) reactor.SocketOption {
	return netconn.WithHandshakeTimeout(cfg, time.Hour)
}

// serveTLS makes a reactor listen with TLS. h makes the handler of each connection.
func serveTLS(t testing.TB, r *reactor.Reactor, h func() reactor.Handler, opts ...reactor.ListenOption) net.Addr {
	t.Helper()
	at := make(chan net.Addr, 1)
	r.Post(func() {
		opts = append([]reactor.ListenOption{patient(serverConfig())}, opts...)
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return h() }, opts...)
		if err != nil {
			t.Error(err)
			close(at)
			return
		}
		at <- l.Addr()
	})
	return <-at
}

// dialTLS returns a client of package net and crypto/tls.
func dialTLS(t testing.TB, at net.Addr) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", at.String(), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(long))
	return c
}

// A Handler above TLS sends and receives plaintext, and supports half-closes. A client sends 8 MiB
// to the echo and then a close_notify. After that the client receives 8 MiB and a close_notify.
func TestTLSHalfClose(t *testing.T) {
	r := start(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var state tls.ConnectionState
			var known bool
			closed := make(chan error, 1)
			at := serveTLS(t, r, func() reactor.Handler {
				return &events{data: echoBack,
					opened: func(c *reactor.Conn) { state, known = netconn.TLSState(c) },
					closed: func(_ *reactor.Conn, err error) { closed <- err }}
			})
			cfg := clientConfig()
			cfg.MaxVersion = version
			c, err := tls.Dial("tcp", at.String(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(long))
			sent := noise(longtest.Count(1, 8, 8) << 20)
			go func() {
				c.Write(sent)
				c.CloseWrite()
			}()
			back, err := io.ReadAll(c) // nil after close_notify, or a FIN after a whole record
			if err != nil || !bytes.Equal(back, sent) {
				t.Errorf("%d bytes back, %v", len(back), err)
			}
			c.Close()
			if err := <-closed; err != nil {
				t.Errorf("Closed: %v", err)
			}
			if !known || state.Version != version {
				t.Errorf("TLSState: %v %v", state.Version, known)
			}
		})
	}
}

// A client calls Send and CloseWrite directly after Reactor.Dial, before it is connected. A server
// with WithTLS sends everything back. A dial with the wrong server name fails.
func TestTLSDial(t *testing.T) {
	r := start(t)
	at := serveTLS(t, r, func() reactor.Handler { return &events{data: echoBack} })
	var got []byte
	closed := make(chan error, 1)
	sent := noise(1 << 20)
	r.Post(func() {
		c, err := r.Dial("tcp", at.String(), &events{
			data:   func(_ *reactor.Conn, p []byte) { got = append(got, p...) },
			closed: func(_ *reactor.Conn, err error) { closed <- err },
		}, patient(clientConfig()))
		if err != nil {
			closed <- err
			return
		}
		if err := c.Send(sent); err != nil || c.Buffered() != len(sent) {
			t.Errorf("early: %v, %d buffered", err, c.Buffered())
		}
		c.CloseWrite()
	})
	if err := <-closed; err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%v, %d bytes back", err, len(got))
	}
	r.Post(func() { // the config has the wrong server name
		_, err := r.Dial("tcp", at.String(), &events{closed: func(_ *reactor.Conn, err error) { closed <- err }},
			patient(&tls.Config{ServerName: "example.org", RootCAs: clientConfig().RootCAs}))
		if err != nil {
			closed <- err
		}
	})
	if err := <-closed; !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("wrong name: %v", err)
	}
}

// A drain delivers all output of many connections, then sends close_notify on each. It closes
// connections that are still in the handshake.
func TestTLSShutdown(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	const n, size = 20, 1 << 20
	var opened sync.WaitGroup
	opened.Add(n)
	shaken := make(chan error, 1)
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{opened: func(c *reactor.Conn) { c.Send(noise(size)); opened.Done() },
			closed: func(c *reactor.Conn, err error) {
				if err != nil {
					shaken <- err
				}
			}}
	})
	var conns []*tls.Conn
	for range n {
		conns = append(conns, dialTLS(t, at))
	}
	opened.Wait()
	idle, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	idle.Write([]byte{22, 3, 1}) // only the beginning of its hello
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() {
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, noise(size)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			c.Close()
		})
	}
	for r.Stats().Conns != n+1 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	all.Wait()
	<-ended
	if err := <-shaken; !errors.Is(err, net.ErrClosed) {
		t.Errorf("in the handshake: %v", err)
	}
}

func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	p := make([]byte, len(text))
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, p); err != nil || string(p) != text {
		t.Fatalf("%q, %v", p, err)
	}
}

// Listen and Dial return the error of an invalid option.
func TestTLSOptions(t *testing.T) {
	r := start(t)
	inTask(r, func(*reactor.Task) {
		accept := func(*reactor.Conn) reactor.Handler { return nil }
		for want, opt := range map[string]reactor.SocketOption{
			"WithTLS(nil)":      netconn.WithTLS(nil),
			"must be 1ms … 1h":  netconn.WithHandshakeTimeout(serverConfig(), 0),
			"Certificates":      netconn.WithTLS(&tls.Config{}),
			"listen packet":     netconn.WithTLS(serverConfig()),
			"ServerName":        netconn.WithTLS(&tls.Config{}),
			"RenegotiateNever":  netconn.WithTLS(&tls.Config{ServerName: "x", Renegotiation: tls.RenegotiateFreelyAsClient}),
			"WithTLS(nil)\x00d": netconn.WithTLS(nil),
		} {
			var err error
			switch {
			case want == "listen packet":
				_, err = r.ListenPacket("udp", "127.0.0.1:0", nopPackets{}, opt)
			case want == "ServerName", want == "RenegotiateNever", strings.HasSuffix(want, "d"):
				want = strings.TrimSuffix(want, "\x00d")
				_, err = r.Dial("tcp", "127.0.0.1:1", &events{}, opt)
			default:
				_, err = r.Listen("tcp", "127.0.0.1:0", accept, opt)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	})
}

type nopPackets struct{}

func (nopPackets) Packet(*reactor.PacketConn, []byte, reactor.Addr) {}
func (nopPackets) Closed(*reactor.PacketConn, error)                {}
