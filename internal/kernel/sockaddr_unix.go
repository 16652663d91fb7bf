//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"strings"

	"golang.org/x/sys/unix"
)

// The BSDs use the addresses of x/sys, which have to be allocated and have no IPv6 flow
// information. Linux uses sockaddr_linux.go instead. On Linux this file is compiled only for its
// tests.

// toSockaddr converts an address for x/sys. size is the room for a path and its NUL, in bytes.
func toSockaddr(a Addr, size int) (unix.Sockaddr, Errno) {
	switch a.Family {
	case AF_INET:
		return &unix.SockaddrInet4{Port: int(a.Port), Addr: [4]byte(a.IP[:4])}, 0
	case AF_INET6:
		return &unix.SockaddrInet6{Port: int(a.Port), Addr: a.IP, ZoneId: a.Scope}, 0
	case AF_UNIX:
		switch {
		case len(a.Path) >= size:
			return nil, ENAMETOOLONG
		// These systems neither choose a name themselves (autobind) nor have abstract names.
		case a.Path == "", strings.Contains(a.Path, "\x00"):
			return nil, EINVAL
		}
		return &unix.SockaddrUnix{Name: a.Path}, 0
	}
	return nil, EAFNOSUPPORT
}

// fromSockaddr converts an address of x/sys. nil becomes the zero Addr.
func fromSockaddr(sa unix.Sockaddr) Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		a := Addr{Family: AF_INET, Port: uint16(sa.Port)}
		copy(a.IP[:], sa.Addr[:])
		return a
	case *unix.SockaddrInet6:
		return Addr{Family: AF_INET6, Port: uint16(sa.Port), IP: sa.Addr, Scope: sa.ZoneId}
	case *unix.SockaddrUnix:
		return Unix(sa.Name)
	}
	return Addr{}
}
