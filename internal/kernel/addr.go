package kernel

import (
	"net/netip"
	"strconv"
)

// Inet converts an IP address with a port. An IPv4-mapped address stays an IPv6 address. A zone is
// used only if it is a number of 32 bits. netaddr.Inet also resolves the names of zones, and
// returns an error for an invalid zone.
func Inet(a netip.AddrPort) Addr {
	r := Addr{Port: a.Port()}
	switch ip := a.Addr(); {
	case ip.Is4():
		r.Family = AF_INET
		b := ip.As4()
		copy(r.IP[:], b[:])
	case ip.Is6():
		r.Family = AF_INET6
		r.IP = ip.As16()
		if zone := ip.Zone(); zone != "" { // without this check, ParseUint would allocate an error
			if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
				r.Scope = uint32(n)
			}
		}
	}
	return r
}

// Unix returns the address of a Unix socket with this path.
func Unix(path string) Addr { return Addr{Family: AF_UNIX, Path: path} }
