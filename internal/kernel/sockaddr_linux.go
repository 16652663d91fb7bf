package kernel

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A sockaddr is an address in the kernel's format.
type sockaddr unix.RawSockaddrAny

// The structs of raw calls must have the sizes that the kernel expects. If a size differs on this
// GOARCH, an index is out of range, and the package does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(unix.RawSockaddrInet4{})-16]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.RawSockaddrInet6{})-28]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.RawSockaddrUnix{})-110]
	_ = [1]struct{}{}[unsafe.Sizeof(sockaddr{})-112]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.Iovec{})-2*word]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.Msghdr{})-7*word]
	_ = [1]struct{}{}[unsafe.Sizeof(mmsghdr{})-8*word]
)

const word = unsafe.Sizeof(uintptr(0))

const pathMax = len(unix.RawSockaddrUnix{}.Path)

// set encodes the address and returns the length of the encoded address.
func (s *sockaddr) set(a Addr) (uint32, Errno) {
	switch a.Family {
	case AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(s))
		*in = unix.RawSockaddrInet4{Family: AF_INET, Port: swap(a.Port), Addr: [4]byte(a.IP[:4])}
		return unix.SizeofSockaddrInet4, 0
	case AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(s))
		*in = unix.RawSockaddrInet6{Family: AF_INET6, Port: swap(a.Port), Flowinfo: swap32(a.Flow), Addr: a.IP, Scope_id: a.Scope}
		return unix.SizeofSockaddrInet6, 0
	case AF_UNIX:
		return s.setPath(a.Path)
	}
	return 0, EAFNOSUPPORT
}

func (s *sockaddr) setPath(path string) (uint32, Errno) {
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(s))
	*un = unix.RawSockaddrUnix{Family: AF_UNIX}
	abstract := strings.HasPrefix(path, "@") || strings.HasPrefix(path, "\x00")
	switch {
	case len(path) > pathMax, len(path) == pathMax && !abstract: // a path needs room for its NUL
		return 0, ENAMETOOLONG
	case !abstract && strings.Contains(path, "\x00"):
		return 0, EINVAL
	}
	for i := range len(path) {
		un.Path[i] = int8(path[i])
	}
	size := uint32(2 + len(path))
	if abstract {
		un.Path[0] = 0
	} else if path != "" {
		size++
	}
	return size, 0
}

// addr decodes the address in the first n bytes.
func (s *sockaddr) addr(n uint32) Addr {
	if n < 2 {
		return Addr{}
	}
	switch s.Addr.Family {
	case AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(s))
		a := Addr{Family: AF_INET, Port: swap(in.Port)}
		copy(a.IP[:], in.Addr[:])
		return a
	case AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(s))
		return Addr{Family: AF_INET6, Port: swap(in.Port), Flow: swap32(in.Flowinfo), IP: in.Addr, Scope: in.Scope_id}
	case AF_UNIX:
		return Addr{Family: AF_UNIX, Path: s.path(n)}
	}
	return Addr{}
}

func (s *sockaddr) path(n uint32) string {
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(s))
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&un.Path[0])), pathMax)[:min(int(n)-2, pathMax)]
	if len(raw) > 0 && raw[0] == 0 {
		return "@" + string(raw[1:])
	}
	name, _, _ := strings.Cut(string(raw), "\x00")
	return name
}

// swap converts a port between host and network byte order.
func swap(p uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&p))
	return uint16(b[0])<<8 | uint16(b[1])
}

func swap32(v uint32) uint32 {
	b := (*[4]byte)(unsafe.Pointer(&v))
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
