package kernel

import (
	"net/netip"
	"strconv"
)

// An Addr is the address of a socket: IPv4, IPv6 or a Unix path. Addrs can be compared with ==. The
// zero Addr means that there is no address.
type Addr struct {
	Family int    // AF_INET, AF_INET6, AF_UNIX, or 0
	Path   string // AF_UNIX: "" is unnamed; "@" or NUL in front means Linux's abstract namespace
	IP     [16]byte
	Flow   uint32 // IPv6 flow information, in host byte order
	Scope  uint32 // IPv6 zone, as the index of an interface
	Port   uint16
}

// AddrPort returns an IP address as a netip.AddrPort. For any other address the result is invalid.
// AddrPort allocates only if there is a zone.
func (a Addr) AddrPort() netip.AddrPort {
	switch a.Family {
	case afInet:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a.IP[:4])), a.Port)
	case afInet6:
		ip := netip.AddrFrom16(a.IP)
		if a.Scope != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(a.Scope), 10))
		}
		return netip.AddrPortFrom(ip, a.Port)
	}
	return netip.AddrPort{}
}

// IsUnspecified reports whether the address is an IP wildcard: 0.0.0.0 or ::.
func (a Addr) IsUnspecified() bool {
	return (a.Family == afInet || a.Family == afInet6) && a.IP == [16]byte{}
}

// Is4In6 reports whether the address is an IPv4-mapped IPv6 address.
func (a Addr) Is4In6() bool { return a.Family == afInet6 && netip.AddrFrom16(a.IP).Is4In6() }

func (a Addr) String() string {
	switch a.Family {
	case afInet, afInet6:
		return a.AddrPort().String()
	case afUnix:
		return a.Path
	}
	return ""
}
