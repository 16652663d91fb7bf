package kernel

import (
	"net/netip"
	"strconv"
)

// Inet returns the address of an IP endpoint. An IPv4-mapped address stays IPv6. A zone must be a
// number of 32 bits, and any other is ignored. netaddr.Inet resolves names, and refuses invalid
// ones.
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
		if zone := ip.Zone(); zone != "" { // ParseUint allocates its error
			if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
				r.Scope = uint32(n)
			}
		}
	}
	return r
}

// Unix returns the address of a path.
func Unix(path string) Addr { return Addr{Family: AF_UNIX, Path: path} }
