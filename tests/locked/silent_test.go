//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package locked

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// silent is a peer that accepts connections and sends nothing.
type silent struct {
	t *testing.T
	net.Listener
}

func newSilent(t *testing.T) silent {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	t.Cleanup(func() { l.Close() })
	return silent{t, l}
}

func (s silent) port() int { return s.Addr().(*net.TCPAddr).Port }

// ends accepts the next connection, and waits until its other side is closed.
func (s silent) ends(collect bool) {
	c, err := s.Accept()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer c.Close()
	for until := time.Now().Add(long); time.Now().Before(until); {
		if collect {
			runtime.GC()
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := io.Copy(io.Discard, c)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
	s.t.Error("the connection is open still")
}

func clientConfig() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func serverConfig(t *testing.T) *tls.Config {
	c, err := selfsigned.New()
	if err != nil {
		t.Error(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

// dial returns a TLSConn to the silent peer. Its handshake has not begun.
func dial(s silent) *netconn.TLSConn {
	c, err := netconn.Dial("tcp", s.Addr().String())
	if err != nil {
		s.t.Error(err)
		runtime.Goexit()
	}
	return netconn.Client(c, clientConfig())
}

// deferred returns an SSLSocket that is connected to the port. A call that does not wait has begun
// its handshake. If r is not nil, the SSLSocket belongs to r's loop.
func deferred(t *testing.T, r *reactor.Reactor, port int) *socket.SSLSocket {
	s, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if r != nil {
		s, err = socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
	}
	if err == nil && r != nil {
		_ = s.SetTimeout(0) // nobody runs the loop, so no call may wait
	}
	if err == nil {
		if err = s.Connect(socket.Tuple("127.0.0.1", port)); errors.Is(err, syscall.EINPROGRESS) {
			err = nil // on loopback it is connected before the next call
		}
	}
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	ss, err := socket.WrapSSL(s, false, socket.SSLOptions{DeferHandshake: true})
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	_ = ss.SetTimeout(0)
	if _, err := ss.Read(make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Read of a deferred handshake: %v", err)
	}
	return ss
}
