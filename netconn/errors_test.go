//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// A stack is package net or netconn.
type stack struct {
	name         string
	listen       func(network, address string) (net.Listener, error)
	dial         func(network, address string) (net.Conn, error)
	dialContext  func(ctx context.Context, network, address string) (net.Conn, error)
	listenPacket func(network, address string) (net.PacketConn, error)
}

var stacks = []stack{
	{"net", net.Listen, net.Dial, (&net.Dialer{}).DialContext, net.ListenPacket},
	{"netconn", netconn.Listen, netconn.Dial, netconn.DialContext, netconn.ListenPacket},
}

// A call with the same arguments returns the same error in netconn and in package net: the same
// text, types, and results of methods.
func TestErrorsAreThoseOfPackageNet(t *testing.T) {
	for name, call := range map[string]func(*testing.T, stack) error{
		"dial unknown network":   func(t *testing.T, s stack) error { return second(s.dial("nonesuch", "127.0.0.1:1")) },
		"dial empty network":     func(t *testing.T, s stack) error { return second(s.dial("", "127.0.0.1:1")) },
		"listen unknown network": func(t *testing.T, s stack) error { return second(s.listen("nonesuch", "127.0.0.1:1")) },
		"listen udp":             func(t *testing.T, s stack) error { return second(s.listen("udp", "127.0.0.1:0")) },
		"packet unknown network": func(t *testing.T, s stack) error { return second(s.listenPacket("nonesuch", "127.0.0.1:1")) },
		"packet tcp":             func(t *testing.T, s stack) error { return second(s.listenPacket("tcp", "127.0.0.1:0")) },
		"dial nothing":           func(t *testing.T, s stack) error { return second(s.dial("tcp", "")) },
		"dial unix nothing":      func(t *testing.T, s stack) error { return second(s.dial("unix", "")) },
		"no port":                func(t *testing.T, s stack) error { return second(s.dial("tcp", "127.0.0.1")) },
		"listen no port":         func(t *testing.T, s stack) error { return second(s.listen("tcp", "127.0.0.1")) },
		"bracket":                func(t *testing.T, s stack) error { return second(s.dial("tcp", "[::1:80")) },
		"too many colons":        func(t *testing.T, s stack) error { return second(s.dial("tcp", "::1:80")) },
		"port too large":         func(t *testing.T, s stack) error { return second(s.dial("tcp", "127.0.0.1:65536")) },
		"port negative":          func(t *testing.T, s stack) error { return second(s.dial("tcp", "127.0.0.1:-1")) },
		"port unknown":           func(t *testing.T, s stack) error { return second(s.dial("tcp", "127.0.0.1:nonesuch")) },
		"lookup failure":         func(t *testing.T, s stack) error { return second(s.dial("tcp", "no such host:80")) },
		"listen lookup failure":  func(t *testing.T, s stack) error { return second(s.listen("tcp", "no such host:80")) },
		"IPv6 for tcp4":          func(t *testing.T, s stack) error { return second(s.dial("tcp4", "[::1]:80")) },
		"IPv4 for tcp6":          func(t *testing.T, s stack) error { return second(s.dial("tcp6", "127.0.0.1:80")) },
		"refused":                func(t *testing.T, s stack) error { return second(s.dial("tcp", closedPort(t))) },
		"unix missing":           func(t *testing.T, s stack) error { return second(s.dial("unix", filepath.Join(t.TempDir(), "x"))) },
		"unix stale":             func(t *testing.T, s stack) error { return second(s.dial("unix", stale(t))) },
		"unixgram missing":       func(t *testing.T, s stack) error { return second(s.dial("unixgram", filepath.Join(t.TempDir(), "x"))) },
		"unix too long":          func(t *testing.T, s stack) error { return second(s.listen("unix", strings.Repeat("x", 200))) },
		"address in use":         func(t *testing.T, s stack) error { return second(s.listen("tcp", busy(t).String())) },
		"address not here":       func(t *testing.T, s stack) error { return second(s.listen("tcp", "192.0.2.1:0")) },
		"read past the deadline": func(t *testing.T, s stack) error {
			c, _ := pair(t, s)
			c.SetReadDeadline(time.Unix(1, 0))
			return count(c.Read(make([]byte, 1)))
		},
		"write past the deadline": func(t *testing.T, s stack) error {
			c, _ := pair(t, s)
			c.SetWriteDeadline(time.Unix(1, 0))
			return count(c.Write(make([]byte, 1)))
		},
		"accept past the deadline": func(t *testing.T, s stack) error {
			l, err := s.listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Unix(1, 0))
			return second(l.Accept())
		},
		"read at the end": func(t *testing.T, s stack) error {
			c, d := pair(t, s)
			d.Close()
			return count(c.Read(make([]byte, 1)))
		},
		"read after a reset": func(t *testing.T, s stack) error {
			c, d := pair(t, s)
			reset(d)
			return count(c.Read(make([]byte, 1)))
		},
		"write after a reset": func(t *testing.T, s stack) error {
			c, d := pair(t, s)
			reset(d)
			for {
				if _, err := c.Write(make([]byte, 1)); err != nil {
					return err
				}
			}
		},
		"write after CloseWrite": func(t *testing.T, s stack) error {
			c, _ := pair(t, s)
			c.(interface{ CloseWrite() error }).CloseWrite()
			return count(c.Write(make([]byte, 1)))
		},
		"read after CloseRead": func(t *testing.T, s stack) error {
			c, _ := pair(t, s)
			c.(interface{ CloseRead() error }).CloseRead()
			return count(c.Read(make([]byte, 1)))
		},
		"read after Close":     func(t *testing.T, s stack) error { return count(shut(t, s).Read(make([]byte, 1))) },
		"write after Close":    func(t *testing.T, s stack) error { return count(shut(t, s).Write(make([]byte, 1))) },
		"close after Close":    func(t *testing.T, s stack) error { return shut(t, s).Close() },
		"deadline after Close": func(t *testing.T, s stack) error { return shut(t, s).SetDeadline(time.Now()) },
		"half-close after Close": func(t *testing.T, s stack) error {
			return shut(t, s).(interface{ CloseWrite() error }).CloseWrite()
		},
		"read of nothing":  func(t *testing.T, s stack) error { c, _ := pair(t, s); return count(c.Read(nil)) },
		"write of nothing": func(t *testing.T, s stack) error { c, _ := pair(t, s); return count(c.Write(nil)) },
		"accept after Close": func(t *testing.T, s stack) error {
			l, err := s.listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			return second(l.Accept())
		},
		"close of a listener again": func(t *testing.T, s stack) error {
			l, err := s.listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			return l.Close()
		},
		"datagram too large": func(t *testing.T, s stack) error {
			c := packets(t, s)
			return count(c.WriteTo(make([]byte, 70000), c.LocalAddr()))
		},
		"datagram to nowhere": func(t *testing.T, s stack) error { return count(packets(t, s).WriteTo([]byte("x"), nil)) },
		"datagram to TCP":     func(t *testing.T, s stack) error { return count(packets(t, s).WriteTo([]byte("x"), &net.TCPAddr{})) },
		"datagram to IPv6": func(t *testing.T, s stack) error {
			return count(packets(t, s).WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv6loopback, Port: 1}))
		},
		"datagram past a deadline": func(t *testing.T, s stack) error {
			c := packets(t, s)
			c.SetDeadline(time.Unix(1, 0))
			_, _, err := c.ReadFrom(make([]byte, 1))
			return err
		},
		"datagram after Close": func(t *testing.T, s stack) error {
			c := packets(t, s)
			c.Close()
			_, _, err := c.ReadFrom(make([]byte, 1))
			return err
		},
		"datagram to another than the dialled": func(t *testing.T, s stack) error {
			c, err := s.dial("udp", "127.0.0.1:9")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			return count(c.(net.PacketConn).WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, got := call(t, stacks[0]), call(t, stacks[1])
			if everything(got) != everything(want) {
				t.Errorf("netconn: %s\nnet: %s", everything(got), everything(want))
			}
		})
	}
}

func second[T any](v T, err error) error {
	if c, ok := any(v).(io.Closer); ok && err == nil {
		c.Close()
	}
	return err
}

func count(_ int, err error) error { return err }

// pair returns two connected ends. The second one is a connection of package net.
func pair(t *testing.T, s stack) (c, d net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err = s.dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if d, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); d.Close() })
	return c, d
}

func shut(t *testing.T, s stack) net.Conn {
	c, _ := pair(t, s)
	c.Close()
	return c
}

func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

func packets(t *testing.T, s stack) net.PacketConn {
	t.Helper()
	c, err := s.listenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	l := busy(t)
	return l.String()[:strings.LastIndexByte(l.String(), ':')] + ":1"
}

// busy returns an address on which somebody listens.
func busy(t *testing.T) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr()
}

// stale returns the path of a socket file that nobody serves.
func stale(t *testing.T) string {
	t.Helper()
	path := free(t, "unix")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	return path
}

// full returns an address that does not answer, because its backlog is full.
func full(t *testing.T, network string) string {
	t.Helper()
	family, host := syscall.AF_INET, "127.0.0.1"
	var here syscall.Sockaddr = &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if network == "tcp6" {
		family, host = syscall.AF_INET6, "::1"
		here = &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, here); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := 0
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		port = sa.Port
	case *syscall.SockaddrInet6:
		port = sa.Port
	}
	at := net.JoinHostPort(host, strconv.Itoa(port))
	for range 2 { // the queue accepts one more than its size
		c, err := net.DialTimeout("tcp", at, 100*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { c.Close() })
	}
	return at
}
