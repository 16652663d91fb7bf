//go:build unix

package socket_test

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

func TestD23Addresses(t *testing.T) {
	tooWide := -1
	if scope := int64(1 << 32); strconv.IntSize == 64 {
		tooWide = int(scope)
	}
	both(t, func(l *lab) {
		for _, bad := range []socket.Addr{
			socket.Tuple("localhost", 1), socket.Tuple("1.2.3", 1), socket.Tuple(" 1.2.3.4", 1), socket.Tuple("1.2.3.4.5", 1),
			socket.Tuple("127.0.0.1", -1), socket.Tuple("127.0.0.1", 65536), socket.Tuple("", math.MaxInt),
			socket.Tuple6("127.0.0.1", 1, 0, 0),
			socket.Tuple6("::1", 1, -1, 0), socket.Tuple6("::1", 1, 1<<20, 0), socket.Tuple6("::1", 1, 0, -1), socket.Tuple6("::1", 1, 0, tooWide),
			socket.Tuple("fe80::1%lo", 1), socket.Tuple("127.0.0.1\x00", 1),
		} {
			s, u := l.tcp(), l.udp()
			l.value(s.Bind(bad))
			l.value(s.Connect(bad))
			l.value(u.Connect(bad))
			_, err := u.SendTo([]byte("x"), bad)
			l.value(err)
			if !strings.Contains(bad.String(), "invalid") {
				l.fatalf("String is %s", bad)
			}
		}
		s := l.tcp()
		l.must(s.Bind(socket.Tuple("", 0))) // the address may be any
		if a := l.addr(s); a.Host() != "0.0.0.0" || a.Port() == 0 {
			l.fatalf("bound to %v", a)
		}
		l.errno(l.tcp().Bind(socket.Tuple("::1", 0)), syscall.EAFNOSUPPORT)
		l.errno(l.tcp().Connect(socket.Tuple("::1", 1)), syscall.EAFNOSUPPORT)
		l.errno(l.udp().Connect(socket.Tuple("::1", 1)), syscall.EAFNOSUPPORT)
		l.errno(l.tcp().Bind(socket.Path("/x")), syscall.EAFNOSUPPORT)
		l.errno(l.socket(socket.AF_UNIX, stream).Bind(socket.Tuple("", 0)), syscall.EAFNOSUPPORT)
		_, err := l.udp().SendTo(nil, socket.Tuple("::1", 1))
		l.errno(err, syscall.EAFNOSUPPORT)
	})
}

func TestIPv6(t *testing.T) {
	both(t, func(l *lab) {
		s, err := l.make(socket.AF_INET6, stream, 0)
		if err == nil {
			err = l.own(s).Bind(socket.Tuple6("::1", 0, 0, 0))
		}
		if err != nil {
			l.t.Skip("no IPv6: ", err)
		}
		l.must(s.Listen(socket.DefaultBacklog))
		c := l.socket(socket.AF_INET6, stream)
		l.must(c.Connect(l.addr(s)))
		conn, from, err := s.Accept()
		l.must(err)
		l.own(conn)
		if from != l.addr(c) || from.Family() != socket.AF_INET6 || from.Host() != "::1" {
			l.fatalf("from %v", from)
		}
		a := socket.Tuple6("fe80::1", 7, 3, 9)
		if a.Flow() != 3 || a.Scope() != 9 || a.Port() != 7 || a != socket.Tuple6("fe80::1%9", 7, 3, 9) {
			l.fatalf("the tuple is %v", a)
		}
		l.errno(l.socket(socket.AF_INET6, stream).Connect(socket.Tuple("127.0.0.1", 1)), syscall.EAFNOSUPPORT)
	})
}

func TestUnixSockets(t *testing.T) {
	both(t, func(l *lab) {
		path := socket.Path(longtest.SocketPath(l.t))
		s := l.socket(socket.AF_UNIX, stream)
		l.must(s.Bind(path))
		l.must(s.Listen(socket.DefaultBacklog))
		c := l.socket(socket.AF_UNIX, stream)
		l.must(c.Connect(path))
		conn, _, err := s.Accept()
		l.must(err)
		l.own(conn)
		l.send(c, "x")
		l.recv(conn, 9, "x")
		if a, err := c.RemoteAddr(); a != path || err != nil || a.Host() == "" {
			l.fatalf("peer is %v, %v", a, err)
		}
	})
}

func TestD26InetNtopLength(t *testing.T) {
	for family, right := range map[int]int{inet: 4, socket.AF_INET6: 16} {
		for n := range 20 {
			_, err := socket.InetNtop(family, make([]byte, n))
			if n == right && err != nil || n != right && !errors.Is(err, socket.ErrValue) {
				t.Errorf("%d bytes of family %d: %v", n, family, err)
			}
		}
	}
	if _, err := socket.InetNtop(99, nil); !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("unknown family: %v", err)
	}
}

func TestInet(t *testing.T) {
	for text, again := range map[string]string{
		"::1": "", "::": "", "2001:db8::1": "", "1:0:0:2::3": "", "::ffff:1.2.3.4": "", "1:203:405:607:809:a0b:c0d:e0f": "",
		"::1.2.3.4": "", "::FFFF:1.2.3.4": "::ffff:1.2.3.4", "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0", "1.2.3.4": "", "0:0:0:0:0:0:0:5": "::5",
	} {
		family := inet
		if strings.Contains(text, ":") {
			family = socket.AF_INET6
		}
		if again == "" {
			again = text
		}
		b, err := socket.InetPton(family, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := socket.InetNtop(family, b); got != again || err != nil {
			t.Errorf("%s came back as %s, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "1.2.3", " 1.2.3.4", "1.2.3.4 ", "01.2.3.4", "256.1.1.1", "::1", "a"} {
		if _, err := socket.InetPton(inet, bad); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "::g", "1::2::3", "1.2.3.4", "fe80::1%lo", "fe80::1%1", "fe80::1%", "00001::", ":1::", "1:2:3:4:5:6:7::8"} {
		if _, err := socket.InetPton(socket.AF_INET6, bad); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzInetPton(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::1", "1::2::3", "::ffff:1.2.3.4", "fe80::1%lo"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, family := range []int{inet, socket.AF_INET6} {
			b, err := socket.InetPton(family, text)
			if err != nil {
				continue
			}
			again, err := socket.InetNtop(family, b)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := socket.InetPton(family, again); err != nil || !bytes.Equal(b, c) {
				t.Fatalf("%q is %v is %q is %v", text, b, again, c)
			}
		}
	})
}

func FuzzAddr(f *testing.F) {
	f.Add("127.0.0.1", 80, 0, 0)
	f.Add("fe80::1%9", 70000, -1, math.MaxInt)
	f.Fuzz(func(t *testing.T, host string, port, flow, scope int) {
		for _, a := range []socket.Addr{socket.Tuple(host, port), socket.Tuple6(host, port, flow, scope), socket.Path(host)} {
			_ = a.String()
			if a.Family() == inet || a.Family() == socket.AF_INET6 {
				if _, err := netip.ParseAddr(a.Host()); err != nil {
					t.Fatalf("%q has the host %q", host, a.Host())
				}
				if a.Port() != port {
					t.Fatalf("port %d became %d", port, a.Port())
				}
			}
			s, err := socket.New(inet, dgram, 0)
			if err != nil {
				t.Skip(err)
			}
			s.SetTimeout(0)
			_ = s.Connect(a)
			_ = s.Bind(a)
			s.Close()
		}
	})
}

func FuzzSetSockOpt(f *testing.F) {
	f.Add(1, 2, 1, []byte{1, 0, 0, 0})
	f.Add(1, 20, 0, []byte{})
	f.Fuzz(func(t *testing.T, level, name, value int, p []byte) {
		if level == socket.SOL_SOCKET && name == socket.SO_LINGER {
			t.Skip("Close would linger")
		}
		s, err := socket.New(inet, stream, 0)
		if err != nil {
			t.Skip(err)
		}
		defer s.Close()
		_ = s.SetSockOpt(level, name, value)
		_ = s.SetSockOpt(level, name, p)
		_ = s.SetSockOpt(level, name, value&1 == 0)
		_ = s.SetSockOpt(level, name, "text")
		_, _ = s.GetSockOpt(level, name)
		_, _ = s.GetSockOptBytes(level, name, value)
	})
}
