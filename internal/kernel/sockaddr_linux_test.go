package kernel

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// roundTrip encodes the address into memory that is not zero, and decodes it.
func roundTrip(t *testing.T, a Addr) Addr {
	t.Helper()
	s := dirty()
	n, e := s.set(a)
	if e != 0 {
		t.Fatalf("%+v: %v", a, e)
	}
	return s.addr(n)
}

func dirty() *sockaddr {
	s := new(sockaddr)
	raw := bytesOf(s)
	for i := range raw {
		raw[i] = 0xa5
	}
	return s
}

func bytesOf(s *sockaddr) []byte { return (*[unsafe.Sizeof(*s)]byte)(unsafe.Pointer(s))[:] }

func TestAddressesComeBackFromTheKernelsForm(t *testing.T) {
	v4 := Addr{Family: AF_INET, IP: [16]byte{192, 0, 2, 1}, Port: 0x1234}
	v6 := Addr{Family: AF_INET6, IP: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}, Port: 0xfffe, Flow: 0x12345, Scope: 7}
	for _, a := range []Addr{v4, v6, {Family: AF_INET}, {Family: AF_INET6}, Unix(""), Unix("/tmp/x"), Unix("@abstract"), Unix("@"), Unix("@a\x00b")} {
		if got := roundTrip(t, a); got != a {
			t.Errorf("%+v comes back as %+v", a, got)
		}
	}
}

// The encoded bytes of port and IP address are in network byte order, at the offsets that the
// kernel and x/sys expect.
func TestNumbersAreInNetworkOrder(t *testing.T) {
	var s sockaddr
	n, _ := s.set(Addr{Family: AF_INET, IP: [16]byte{1, 2, 3, 4}, Port: 0x1234})
	if got := bytesOf(&s)[2:8]; n != 16 || !bytes.Equal(got, []byte{0x12, 0x34, 1, 2, 3, 4}) {
		t.Errorf("IPv4: % x of %d", got, n)
	}
	n, _ = s.set(Addr{Family: AF_INET6, Port: 0x1234, Flow: 0x01020304, IP: [16]byte{9, 15: 8}})
	if got := bytesOf(&s)[2:9]; n != 28 || !bytes.Equal(got, []byte{0x12, 0x34, 1, 2, 3, 4, 9}) {
		t.Errorf("IPv6: % x of %d", got, n)
	}
}

// Paths of every length are encoded and decoded. A path needs room for its NUL. An abstract name
// has no NUL at the end.
func TestPathsOfEveryLength(t *testing.T) {
	for n := range pathMax + 3 {
		for _, first := range []string{"/", "@"} {
			if n == 0 {
				continue
			}
			path := first + strings.Repeat("p", n-1)
			s := dirty()
			size, e := s.set(Unix(path))
			fits := n < pathMax || n == pathMax && first == "@"
			switch {
			case !fits:
				if e != ENAMETOOLONG {
					t.Errorf("%q of %d bytes: %v, want ENAMETOOLONG", first, n, e)
				}
			case e != 0 || s.addr(size).Path != path:
				t.Errorf("%q of %d bytes: %v, comes back as %q", first, n, e, s.addr(size).Path)
			case first == "/" && (int(size) != 2+n+1 || bytesOf(s)[2+n] != 0):
				t.Errorf("a path of %d bytes has length %d and no NUL", n, size)
			case first == "@" && (int(size) != 2+n || bytesOf(s)[2] != 0):
				t.Errorf("an abstract name of %d bytes has length %d", n, size)
			}
		}
	}
	// If a path fills all the memory, the kernel returns a length that is one larger than the memory.
	s := dirty()
	copy(bytesOf(s), []byte{AF_UNIX, 0, '/'})
	if got := s.addr(uint32(2 + pathMax + 1)).Path; len(got) != pathMax {
		t.Errorf("a full path has %d bytes", len(got))
	}
}

func TestBadAddressesHaveAnErrno(t *testing.T) {
	for _, row := range []struct {
		a    Addr
		want Errno
	}{
		{Addr{}, EAFNOSUPPORT},
		{Addr{Family: 99}, EAFNOSUPPORT},
		{Unix("/a\x00b"), EINVAL},
	} {
		if _, e := new(sockaddr).set(row.a); e != row.want {
			t.Errorf("%+v: %v, want %v", row.a, e, row.want)
		}
	}
	for n := range uint32(2) { // the memory contains the rest of another address
		s := dirty()
		bytesOf(s)[0], bytesOf(s)[1] = AF_INET, 0
		if got := s.addr(n); got != (Addr{}) {
			t.Errorf("%d bytes are %+v", n, got)
		}
	}
}

// The fuzzer decodes any bytes with any length that the kernel could return. Nothing panics, and
// each decoded address can be encoded again.
func FuzzSockaddr(f *testing.F) {
	f.Add([]byte{AF_INET, 0, 1, 2, 3, 4, 5, 6}, uint32(16))
	f.Add([]byte{AF_INET6, 0, 1, 2}, uint32(28))
	f.Add([]byte{AF_UNIX, 0, '/', 'x', 0, 'y'}, uint32(6))
	f.Add([]byte{AF_UNIX, 0, 0, 'x'}, uint32(1<<31))
	f.Add([]byte{AF_UNIX, 0}, uint32(2))
	f.Add([]byte{}, uint32(1))
	f.Fuzz(func(t *testing.T, raw []byte, n uint32) {
		var s sockaddr
		copy(bytesOf(&s), raw)
		a := s.addr(n)
		if a.Family == 0 {
			return
		}
		_ = a.String()
		var back sockaddr
		size, e := back.set(a)
		if e != 0 {
			if a.Family == AF_UNIX && len(a.Path) == pathMax && e == ENAMETOOLONG || strings.HasPrefix(a.Path, "@") && len(a.Path) > pathMax {
				return // the kernel can return a path that is one byte longer than it accepts
			}
			t.Fatalf("%+v: %v", a, e)
		}
		if got := back.addr(size); got != a {
			t.Fatalf("%+v comes back as %+v", a, got)
		}
	})
}

// Any path is either refused or encoded and decoded without a change. A leading NUL is decoded as
// "@", which means the same.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"", "/tmp/x", "@x", "\x00x", "a\x00b", strings.Repeat("x", 107), strings.Repeat("x", 108)} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := dirty()
		n, e := s.set(Unix(path))
		if e != 0 {
			return
		}
		if int(n) > unix.SizeofSockaddrUnix {
			t.Fatalf("%q has length %d", path, n)
		}
		want := path
		if strings.HasPrefix(path, "\x00") {
			want = "@" + path[1:]
		}
		if got := s.addr(n).Path; got != want {
			t.Fatalf("%q comes back as %q", path, got)
		}
	})
}
