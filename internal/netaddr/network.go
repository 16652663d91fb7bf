package netaddr

import (
	"net"
	"runtime"
	"strconv"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Network describes the networks of package net that have a name such as "tcp6".
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

// Find returns the network of that name.
func Find(name string) (n Network, known bool) {
	for _, n := range networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{Name: name}, false
}

// Names returns the names of the networks of streams, or of those of datagrams. It omits
// unixpacket, which is neither.
func Names(streams bool) (list []string) {
	for _, n := range networks {
		if n.Stream() == streams && !n.Messages() {
			list = append(list, n.Name)
		}
	}
	return list
}

// Stream reports whether the network's sockets have connections.
func (n Network) Stream() bool { return n.Type != kernel.SOCK_DGRAM }

// Messages reports whether the network has connections that keep the bounds of messages.
func (n Network) Messages() bool { return n.Type == kernel.SOCK_SEQPACKET }

// Unix reports whether the network's addresses are paths.
func (n Network) Unix() bool { return n.IP == "" }

// TCP reports whether the network is TCP over IPv4, IPv6 or both.
func (n Network) TCP() bool { return n.Stream() && !n.Unix() }

// UDP reports whether the network is UDP over IPv4, IPv6 or both.
func (n Network) UDP() bool { return !n.Stream() && !n.Unix() }

// NetAddr returns the address as package net has it: an IPv4-mapped one as IPv4, and a zone as the
// interface's name if that is known. It returns nil for the zero Addr.
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

// unixName returns the name of a Unix socket as package net has it. An unnamed one is "@" on Linux.
func unixName(a kernel.Addr) string {
	if a.Path == "" && runtime.GOOS == "linux" {
		return "@"
	}
	return a.Path
}

// ipOf returns the IP address in the form that package net uses.
func ipOf(a kernel.Addr) net.IP {
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	return ip.AsSlice()
}

// zoneOf returns the zone of an address: see ScopeName.
func zoneOf(k kernel.Kernel, a kernel.Addr) string {
	if a.Family != kernel.AF_INET6 || a.Scope == 0 {
		return ""
	}
	return ScopeName(k, a.Scope)
}

// ScopeName returns the name of the interface of an IPv6 scope. If there is no name, or if the
// kernel is a simulated one, it returns the number.
func ScopeName(k kernel.Kernel, scope uint32) string {
	if k == kernel.Host && runtime.GOOS != "plan9" {
		if i, err := net.InterfaceByIndex(int(scope)); err == nil {
			return i.Name
		}
	}
	return strconv.FormatUint(uint64(scope), 10)
}
