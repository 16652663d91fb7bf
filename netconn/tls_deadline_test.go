//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// inGoroutineAndTask runs f in a goroutine and in a task, each time with the Dial for it, and waits
// for both.
func inGoroutineAndTask(t *testing.T, f func(t *testing.T, dial func(network, addr string) (net.Conn, error))) {
	t.Run("goroutine", func(t *testing.T) { f(t, netconn.Dial) })
	t.Run("task", func(t *testing.T) {
		r := start(t)
		inTask(r, func(*reactor.Task) { f(t, netconn.On(r).Dial) })
	})
}

// Handshake, Read and Write may each read and write for the handshake. So if the peer is silent,
// either deadline (read or write) ends each of these calls. The deadline is set before the call, or
// moved while the call waits.
func TestTLSHandshakeEndsByEitherDeadline(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel completes the connect
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	calls := map[string]func(*netconn.TLSConn) error{
		"Handshake": (*netconn.TLSConn).Handshake,
		"Read":      func(c *netconn.TLSConn) error { _, err := c.Read(make([]byte, 1)); return err },
		"Write":     func(c *netconn.TLSConn) error { _, err := c.Write([]byte("x")); return err },
	}
	set := map[string]func(*netconn.TLSConn, time.Time) error{
		"read":  (*netconn.TLSConn).SetReadDeadline,
		"write": (*netconn.TLSConn).SetWriteDeadline,
	}
	inGoroutineAndTask(t, func(t *testing.T, dial func(network, addr string) (net.Conn, error)) {
		for call, run := range calls {
			for dir, deadline := range set {
				nc, err := dial("tcp", silent.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				c := netconn.Client(nc, clientConfig())
				_ = deadline(c, time.Now().Add(10*time.Millisecond))
				if err := run(c); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s with a %s deadline: %v", call, dir, err)
				}
				if err := run(c); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s after its %s deadline: %v", call, dir, err)
				}
				_ = deadline(c, time.Time{})
				time.AfterFunc(10*time.Millisecond, func() { whereItLives(nc, func() { _ = deadline(c, time.Unix(1, 0)) }) })
				if err := run(c); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s whose %s deadline is moved: %v", call, dir, err)
				}
				_ = c.Close()
			}
		}
	})
}

// whereItLives runs f on the loop of c, or in the calling goroutine if c has no loop.
func whereItLives(c net.Conn, f func()) {
	d := inside.Desc(c.(*netconn.Conn).Socket())
	if d.Waiter.Shared() {
		f()
		return
	}
	d.Waiter.Post(f)
}

// The certificates of a server are longer than the kernel's buffers, and the client does not read.
// The first Read must send the certificates, and the read deadline ends this Read. Without a
// deadline the Read waits until the client resets.
func TestTLSReadDeadlineEndsItsHandshakesWrite(t *testing.T) {
	cert := certificate()
	for range 300 {
		cert.Certificate = append(cert.Certificate, cert.Certificate[0])
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
	hello := clientHello(t)
	l := listen(t, "tcp")
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.(*net.TCPConn).SetReadBuffer(1)
	_, _ = raw.Write(hello)
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.(*netconn.Conn).SetWriteBuffer(1)
	c := netconn.Server(nc, cfg)
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	reset(raw)
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read, when the client resets: %v", err)
	}
}
