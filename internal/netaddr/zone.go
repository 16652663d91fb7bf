package netaddr

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// errNoInterface is wrapped by the error for a zone that is not the name of an interface.
var errNoInterface = errors.New("no such network interface")

// Scope returns the number of an IPv6 zone. zone is the name of an interface, or a number of 32
// bits.
func Scope(k kernel.Kernel, zone string) (uint32, error) {
	if strings.Trim(zone, "0123456789") == "" {
		n, err := strconv.ParseUint(zone, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("zone %.100s: must be an interface's name or 0 … %d", zone, uint32(math.MaxUint32))
		}
		return uint32(n), nil
	}
	i, err := k.Interface(zone)
	if err != nil {
		return 0, fmt.Errorf("zone %.100q: %w", zone, errNoInterface)
	}
	if i < 0 || int64(i) > math.MaxUint32 {
		return 0, fmt.Errorf("zone %.100q: interface %d: must be 0 … %d", zone, i, uint32(math.MaxUint32))
	}
	return uint32(i), nil
}

// Inet converts ap to an address of a socket, and resolves the zone. An IPv4-mapped address stays
// an IPv6 address.
func Inet(k kernel.Kernel, ap netip.AddrPort) (kernel.Addr, error) {
	a := kernel.Inet(ap)
	zone := ap.Addr().Zone()
	if zone == "" {
		return a, nil
	}
	scope, err := Scope(k, zone)
	if err != nil {
		return kernel.Addr{}, err
	}
	a.Scope = scope
	return a, nil
}

// InetAny is like Inet, except that the name of an unknown interface means scope 0, as in package
// net.
func InetAny(k kernel.Kernel, ap netip.AddrPort) (kernel.Addr, error) {
	a, err := Inet(k, ap)
	if errors.Is(err, errNoInterface) {
		return kernel.Inet(netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port())), nil
	}
	return a, err
}

// ForSocket converts an address for a socket of the family. For an IPv6 socket, an IPv4 address is
// mapped. For an IPv4 socket, a mapped address is unmapped. ok is false if a socket of the family
// cannot send to a.
func ForSocket(family int, a kernel.Addr) (_ kernel.Addr, ok bool) {
	switch {
	case a.Family == family:
		return a, true
	case family == kernel.AF_INET6 && a.Family == kernel.AF_INET:
		b := kernel.Addr{Family: kernel.AF_INET6, Port: a.Port}
		b.IP[10], b.IP[11] = 0xff, 0xff
		copy(b.IP[12:], a.IP[:4])
		return b, true
	case family == kernel.AF_INET && a.Family == kernel.AF_INET6 && a.Is4In6():
		b := kernel.Addr{Family: kernel.AF_INET, Port: a.Port}
		copy(b.IP[:4], a.IP[12:])
		return b, true
	}
	return a, false
}
