//go:build linux || darwin || freebsd

package eviocompat

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/longtest" // this import defines the flag -long
	"github.com/ureactor/ureactor/reactor"
)

const childEnv = "EVIOCOMPAT_TEST_CHILD"

// TestMain also runs the code of TestServesOnAtTheDescriptorLimit, which needs a process of its
// own.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		atDescriptorLimit()
		os.Exit(0)
	}
	longtest.AtOnce(8) // a connection that the server ends is closed after a tenth of a second
	goleak.VerifyTestMain(m)
}

// serve runs Serve until stop is called. stop returns the error of Serve. at contains the
// addresses.
func serve(t *testing.T, ev Events, addr ...string) (at []net.Addr, stop func() error) {
	t.Helper()
	return serveWith(t, nil, ev, addr...)
}

func serveWith(t *testing.T, opts []reactor.Option, ev Events, addr ...string) (at []net.Addr, stop func() error) {
	t.Helper()
	var end atomic.Bool
	tick := ev.Tick
	ev.Tick = func() (time.Duration, Action) {
		if end.Load() {
			return 0, Shutdown
		}
		if tick != nil {
			return tick()
		}
		return 5 * time.Millisecond, None
	}
	return serveQuietly(t, opts, ev, func() { end.Store(true) }, addr...)
}

// serveQuietly calls no Tick except the one in ev.
func serveQuietly(t *testing.T, opts []reactor.Option, ev Events, end func(), addr ...string) (at []net.Addr, stop func() error) {
	t.Helper()
	ready, result := make(chan []net.Addr, 1), make(chan error, 1)
	serving := ev.Serving
	ev.Serving = func(s Server) Action {
		ready <- s.Addrs
		if serving != nil {
			return serving(s)
		}
		return None
	}
	go func() { result <- ServeWith(opts, ev, addr...) }()
	select {
	case at = <-ready:
	case err := <-result:
		t.Fatal(err)
	}
	return at, sync.OnceValue(func() error { end(); return <-result })
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func echo(c Conn, in []byte) ([]byte, Action) { return in, None }

func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, len(text))
	if _, err := io.ReadFull(c, p); err != nil || string(p) != text {
		t.Fatalf("%q, %v; want %q", p, err, text)
	}
}

func noise(n int) []byte {
	p := make([]byte, n)
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// Serve works with every scheme, option and balance, and each Conn has the index of its address.
func TestSchemes(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	for _, balance := range []LoadBalance{Random, RoundRobin, LeastConnections} {
		for _, loops := range []int{0, 1, 5, -1} {
			t.Run(fmt.Sprint(balance, loops), func(t *testing.T) {
				t.Parallel() // a connection that the server ends is closed after a tenth of a second
				path := longtest.SocketPath(t)
				addrs := []string{"tcp://127.0.0.1:0", "tcp4://127.0.0.1:0?reuseport=true", "tcp6://[::1]:0", "127.0.0.1:0",
					"tcp-net://127.0.0.1:0", "tcp4-net://127.0.0.1:0?reuseport=1", "unix://" + path, "unix-net://" + path + "2",
					"udp://127.0.0.1:0", "udp4://127.0.0.1:0?reuseport=yes", "udp6://[::1]:0", "udp-net://127.0.0.1:0"}
				at, stop := serve(t, Events{NumLoops: loops, LoadBalance: balance,
					Data: func(c Conn, in []byte) ([]byte, Action) {
						c.SetContext(c.AddrIndex())
						if c.LocalAddr() == nil || c.RemoteAddr() == nil {
							t.Error("no address")
						}
						return fmt.Appendf(nil, "%s %d", in, c.Context()), None
					}}, addrs...)
				if len(at) != len(addrs) {
					t.Fatalf("%d addresses", len(at))
				}
				for i, a := range at {
					c := dial(t, a)
					_ = c.SetDeadline(time.Now().Add(longtest.Guard))
					io.WriteString(c, "hello")
					p := make([]byte, 100)
					if n, err := c.Read(p); err != nil || string(p[:n]) != fmt.Sprint("hello ", i) {
						t.Errorf("%s: %q, %v", addrs[i], p[:n], err)
					}
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the socket's file: %v", err)
				}
			})
		}
	}
}
