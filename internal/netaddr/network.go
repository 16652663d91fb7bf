package netaddr

import (
	"net"
	"runtime"
	"strconv"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Network is what a name such as "tcp6" stands for.
type Network struct {
	Name string
	Type int    // kernel.SOCK_STREAM or kernel.SOCK_DGRAM
	IP   string // "ip", "ip4" or "ip6"; "" for Unix sockets
}

var networks = [...]Network{
	{"tcp", kernel.SOCK_STREAM, "ip"},
	{"tcp4", kernel.SOCK_STREAM, "ip4"},
	{"tcp6", kernel.SOCK_STREAM, "ip6"},
	{"unix", kernel.SOCK_STREAM, ""},
	{"udp", kernel.SOCK_DGRAM, "ip"},
	{"udp4", kernel.SOCK_DGRAM, "ip4"},
	{"udp6", kernel.SOCK_DGRAM, "ip6"},
	{"unixgram", kernel.SOCK_DGRAM, ""},
}

// Find is the network of that name.
func Find(name string) (n Network, known bool) {
	for _, n := range networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{Name: name}, false
}

// Names lists the networks of streams, or those of datagrams.
func Names(streams bool) (list []string) {
	for _, n := range networks {
		if n.Stream() == streams {
			list = append(list, n.Name)
		}
	}
	return list
}

// Stream tells whether sockets of the network connect and accept.
func (n Network) Stream() bool { return n.Type == kernel.SOCK_STREAM }

// Unix tells whether addresses are paths.
func (n Network) Unix() bool { return n.IP == "" }

// TCP tells whether the sockets are TCP's.
func (n Network) TCP() bool { return n.Stream() && !n.Unix() }

// UDP tells whether the sockets are UDP's.
func (n Network) UDP() bool { return !n.Stream() && !n.Unix() }

// NetAddr is the address as package net writes it: IPv4 addresses unmapped, zones by the
// interface's name where the host knows it. nil for the zero Addr.
func NetAddr(k kernel.Kernel, a kernel.Addr, dgram bool) net.Addr {
	switch {
	case a.Family == 0:
		return nil
	case a.Family == kernel.AF_UNIX && dgram:
		return &net.UnixAddr{Name: unixName(a), Net: "unixgram"}
	case a.Family == kernel.AF_UNIX:
		return &net.UnixAddr{Name: unixName(a), Net: "unix"}
	case dgram:
		return &net.UDPAddr{IP: ipOf(a), Port: int(a.Port), Zone: zoneOf(k, a)}
	}
	return &net.TCPAddr{IP: ipOf(a), Port: int(a.Port), Zone: zoneOf(k, a)}
}

// unixName is the name that package net gives a Unix socket. On Linux it calls an unnamed one "@".
func unixName(a kernel.Addr) string {
	if a.Path == "" && runtime.GOOS == "linux" {
		return "@"
	}
	return a.Path
}

// ipOf is the address in the form that package net gives it.
func ipOf(a kernel.Addr) net.IP {
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	return ip.AsSlice()
}

// zoneOf is the name of a scope; the number if nobody knows one, or the kernel is not the host's.
func zoneOf(k kernel.Kernel, a kernel.Addr) string {
	if a.Family != kernel.AF_INET6 || a.Scope == 0 {
		return ""
	}
	return ScopeName(k, a.Scope)
}

// ScopeName is the interface's name of an IPv6 scope, or its number.
func ScopeName(k kernel.Kernel, scope uint32) string {
	if k == kernel.Host && runtime.GOOS != "plan9" {
		if i, err := net.InterfaceByIndex(int(scope)); err == nil {
			return i.Name
		}
	}
	return strconv.FormatUint(uint64(scope), 10)
}
