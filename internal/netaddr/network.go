package netaddr

import (
	"net"
	"runtime"
	"strconv"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Network is a network of package net, such as "tcp6".
type Network struct {
	Name string
	Type int    // kernel.SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
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
	{"unixpacket", kernel.SOCK_SEQPACKET, ""},
}

// Find returns the Network with this name.
func Find(name string) (n Network, known bool) {
	for _, n := range networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{Name: name}, false
}

// Names returns the names of the stream networks, or of the datagram networks. It omits unixpacket,
// which has connections like a stream, and messages like datagrams.
func Names(streams bool) (list []string) {
	for _, n := range networks {
		if n.Stream() == streams && !n.Messages() {
			list = append(list, n.Name)
		}
	}
	return list
}

// Stream reports whether sockets of the network have connections.
func (n Network) Stream() bool { return n.Type != kernel.SOCK_DGRAM }

// Messages reports whether the network has connections that preserve message boundaries.
func (n Network) Messages() bool { return n.Type == kernel.SOCK_SEQPACKET }

// Unix reports whether the addresses of the network are paths.
func (n Network) Unix() bool { return n.IP == "" }

// TCP reports whether the network is TCP over IPv4, IPv6 or both.
func (n Network) TCP() bool { return n.Stream() && !n.Unix() }

// UDP reports whether the network is UDP over IPv4, IPv6 or both.
func (n Network) UDP() bool { return !n.Stream() && !n.Unix() }

// NetAddr converts an address to a type of package net, in the same form. An IPv4-mapped address
// becomes an IPv4 address. A zone becomes the name of the interface, if the name is known. The zero
// Addr becomes nil.
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

// unixName returns the name of a Unix socket in the form of package net. On Linux the name of an
// unnamed socket is "@".
func unixName(a kernel.Addr) string {
	if a.Path == "" && runtime.GOOS == "linux" {
		return "@"
	}
	return a.Path
}

// ipOf returns the IP address in the form of package net.
func ipOf(a kernel.Addr) net.IP {
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	return ip.AsSlice()
}

// zoneOf returns the zone of an address as ScopeName does, or "" if there is none.
func zoneOf(k kernel.Kernel, a kernel.Addr) string {
	if a.Family != kernel.AF_INET6 || a.Scope == 0 {
		return ""
	}
	return ScopeName(k, a.Scope)
}

// ScopeName returns the name of the interface with this number. If it has no name, or if the kernel
// is a simulated one, the result is the number as text.
func ScopeName(k kernel.Kernel, scope uint32) string {
	if k == kernel.Host && runtime.GOOS != "plan9" {
		if i, err := net.InterfaceByIndex(int(scope)); err == nil {
			return i.Name
		}
	}
	return strconv.FormatUint(uint64(scope), 10)
}
