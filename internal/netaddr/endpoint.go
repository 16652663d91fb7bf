package netaddr

import (
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
)

// An Endpoint is the address for a socket, and the IP address from which it was made.
type Endpoint struct {
	Addr kernel.Addr
	// The IP address as the caller has given it, with its zone. For a path, or if the caller gave no
	// host, IP is the zero Addr.
	IP netip.Addr
}

// Net returns the address that the caller has given, as a type of package net.
func (e Endpoint) Net(n Network) net.Addr {
	zone := e.IP.Zone()
	ip := net.IP(e.IP.WithZone("").AsSlice())
	switch port := int(e.Addr.Port); {
	case n.Unix():
		return &net.UnixAddr{Name: e.Addr.Path, Net: n.Name}
	case n.Stream():
		return &net.TCPAddr{IP: ip, Port: port, Zone: zone}
	default:
		return &net.UDPAddr{IP: ip, Port: port, Zone: zone}
	}
}

// Here returns the Endpoint to dial. If e is unspecified, that is a loopback address.
func (e Endpoint) Here() Endpoint {
	if e.Addr.IsUnspecified() {
		e.Addr = loopback(e.Addr.Family == kernel.AF_INET6, e.Addr.Port)
	}
	return e
}

// HereIn returns the loopback address of the family, with the port of e.
func (e Endpoint) HereIn(family int) Endpoint {
	e.Addr = loopback(family == kernel.AF_INET6, e.Addr.Port)
	return e
}

// SockAddr converts an IP address to the address for a socket of this family, with port 0. Its
// errors are those of package net.
func SockAddr(k kernel.Kernel, family int, ip net.IP, zone string) (kernel.Addr, error) {
	at, ok := netip.AddrFromSlice(ip)
	switch {
	case len(ip) == 0 && family == kernel.AF_INET:
		at = netip.IPv4Unspecified()
	case len(ip) == 0, family == kernel.AF_INET6 && at.Unmap() == netip.IPv4Unspecified():
		at = netip.IPv6Unspecified()
	case !ok:
		return kernel.Addr{}, notOf(family, ip.String())
	}
	if family == kernel.AF_INET && at.Unmap().Is6() {
		return kernel.Addr{}, notOf(family, ip.String())
	}
	return SockAddrPort(k, family, netip.AddrPortFrom(at.WithZone(zone), 0))
}

// SockAddrPort is like SockAddr, for an address with a port.
func SockAddrPort(k kernel.Kernel, family int, ap netip.AddrPort) (kernel.Addr, error) {
	a, err := InetAny(k, ap)
	if err != nil {
		return a, err
	}
	a, ok := ForSocket(family, a)
	if !ok {
		return a, notOf(family, ap.Addr().String())
	}
	return a, nil
}

func notOf(family int, addr string) error {
	if family == kernel.AF_INET {
		return &net.AddrError{Err: "non-IPv4 address", Addr: addr}
	}
	return &net.AddrError{Err: "non-IPv6 address", Addr: addr}
}

// FamilyOf returns the family that a socket for these addresses needs, as package net chooses it.
// An address may be nil or unspecified.
func (n Network) FamilyOf(addrs ...net.IP) int {
	switch n.IP {
	case "ip4":
		return kernel.AF_INET
	case "ip6":
		return kernel.AF_INET6
	}
	for _, ip := range addrs {
		if len(ip) > net.IPv4len && ip.To4() == nil {
			return kernel.AF_INET6
		}
	}
	return kernel.AF_INET
}

// OfFamily returns those endpoints that belong to the family.
func OfFamily(list []Endpoint, family int) (fit []Endpoint) {
	for _, e := range list {
		if e.Addr.Family == family {
			fit = append(fit, e)
		}
	}
	return fit
}
