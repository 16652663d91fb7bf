//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/netconn"
)

// tlsPair returns two connected ends after the handshake.
func tlsPair(t *testing.T) (c, s *netconn.TLSConn) {
	t.Helper()
	a, b, stop, err := secured(pipe(t, "tcp4"))()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return a.(*netconn.TLSConn), b.(*netconn.TLSConn)
}

// handshake calls `call` with a client, which has not made its handshake. The server only makes the
// handshake.
func handshake(t *testing.T, cfg *tls.Config, call func(*netconn.TLSConn)) {
	t.Helper()
	a, b, stop, err := pipe(t, "tcp4")()
	if err != nil {
		t.Fatal(err)
	}
	var server sync.WaitGroup
	server.Go(func() { netconn.Server(b, serverConfig()).Handshake() })
	call(netconn.Client(a, cfg))
	stop()
	server.Wait()
}

// After the connection below TLS was closed, CloseWrite sends nothing, because another connection
// may already have the same descriptor number.
func TestTLSCloseWriteAfterClose(t *testing.T) {
	c, _ := tlsPair(t)
	l := listen(t, "tcp4")
	c.NetConn().Close()
	others := make([]net.Conn, 0, 20)
	for range 10 { // one of these connections gets the number
		a, err := netconn.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, a, b)
	}
	if err := c.CloseWrite(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("CloseWrite: %v", err)
	}
	for i := range others { // the end of input shows that everything has arrived
		others[i].(*netconn.Conn).CloseWrite()
	}
	for _, o := range others {
		if p, err := io.ReadAll(o); len(p) > 0 || err != nil {
			t.Errorf("another connection has received %q, %v", p, err)
		}
		o.Close()
	}
}

// The bytes of concurrent Writes of any length are not mixed: one Write is sent after the other.
func TestTLSWritesDoNotMix(t *testing.T) {
	c, s := tlsPair(t)
	const size, writers, rounds = 100 << 10, 4, 10
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			p := bytes.Repeat([]byte{byte('a' + i)}, size)
			for range rounds {
				if n, err := c.Write(p); n != size || err != nil {
					t.Error(n, err)
				}
			}
		})
	}
	defer all.Wait()
	defer c.Close() // if the test ends before the Writes
	got := make([]byte, size)
	for i := range writers * rounds {
		if _, err := io.ReadFull(s, got); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(got, got[:1]) != size {
			t.Fatalf("Write %d is mixed with another", i)
		}
	}
	all.Wait()
}

// If the context of HandshakeContext ends, HandshakeContext returns the context's error and closes
// the connection. This holds even if the last step of the handshake ends the context. A context
// that ends after the handshake has no effect.
func TestTLSHandshakeContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := clientConfig()
	// VerifyConnection is the last step of a handshake.
	cfg.VerifyConnection = func(tls.ConnectionState) error { cancel(); return nil }
	handshake(t, cfg, func(c *netconn.TLSConn) {
		if err := c.HandshakeContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended by the handshake's own callback: %v", err)
		}
	})
	handshake(t, clientConfig(), func(c *netconn.TLSConn) {
		if err := errors.Join(c.HandshakeContext(t.Context()), c.HandshakeContext(ctx)); err != nil {
			t.Error(err)
		}
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("after a context that came too late: %v", err)
		}
	})
}

// If the peer is silent, HandshakeContext ends when its context ends, and closes the connection.
// The test runs in a goroutine and in a task.
func TestTLSHandshakeContextWithASilentPeer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel completes the connect
	must(t, err)
	defer silent.Close()
	inGoroutineAndTask(t, func(t *testing.T, dial func(network, addr string) (net.Conn, error)) {
		nc, err := dial("tcp", silent.Addr().String())
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cfg := clientConfig()
		cfg.ClientSessionCache = sessionKeys{tls.NewLRUClientSessionCache(1), func(string) { cancel() }}
		c := netconn.Client(nc, cfg)
		if err := c.HandshakeContext(ctx); err != context.Canceled {
			t.Error(err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a Write after it: %v", err)
		}
	})
}

// sessionKeys reports the keys for which crypto/tls asks the cache.
type sessionKeys struct {
	tls.ClientSessionCache
	key func(string)
}

func (s sessionKeys) Get(key string) (*tls.ClientSessionState, bool) { s.key(key); return nil, false }

// A client without ServerName stores its sessions under the peer's address.
func TestTLSSessionsHaveTheAddressOfThePeer(t *testing.T) {
	nc, peer := connected(t)
	peer.Close()
	cfg := &tls.Config{InsecureSkipVerify: true}
	var got string
	cfg.ClientSessionCache = sessionKeys{tls.NewLRUClientSessionCache(1), func(key string) { got = key }}
	_ = netconn.Client(nc, cfg).Handshake() // the handshake fails
	if want := nc.RemoteAddr().String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// If a callback of the config panics, the handshake fails, and later calls fail too. If a callback
// closes its own connection, Close does not wait for the handshake that runs the callback.
func TestTLSCallbacks(t *testing.T) {
	cfg := clientConfig()
	cfg.VerifyConnection = func(tls.ConnectionState) error { panic("the user's") }
	handshake(t, cfg, func(c *netconn.TLSConn) {
		func() {
			defer func() {
				if v := recover(); v != "the user's" {
					t.Errorf("recovered %v", v)
				}
			}()
			c.Handshake()
		}()
		if err := c.Handshake(); err == nil || c.ConnectionState().HandshakeComplete {
			t.Errorf("again: %v", err)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("Write succeeds")
		}
	})
	var self *netconn.TLSConn
	cfg.VerifyConnection = func(tls.ConnectionState) error { self.Close(); return nil }
	handshake(t, cfg, func(c *netconn.TLSConn) {
		self = c
		_ = c.Handshake() // crypto/tls also returns nil here
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed by a callback: %v", err)
		}
	})
}
