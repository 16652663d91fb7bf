package reactor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A network is what a name such as "tcp6" stands for.
type network struct {
	name   string
	typ    int
	ip     string // "ip", "ip4" or "ip6"; "" for Unix sockets
	stream bool
}

var networks = []network{
	{"tcp", kernel.SOCK_STREAM, "ip", true},
	{"tcp4", kernel.SOCK_STREAM, "ip4", true},
	{"tcp6", kernel.SOCK_STREAM, "ip6", true},
	{"unix", kernel.SOCK_STREAM, "", true},
	{"udp", kernel.SOCK_DGRAM, "ip", false},
	{"udp4", kernel.SOCK_DGRAM, "ip4", false},
	{"udp6", kernel.SOCK_DGRAM, "ip6", false},
	{"unixgram", kernel.SOCK_DGRAM, "", false},
}

func findNetwork(name string, stream bool) (network, error) {
	var known []string
	for _, n := range networks {
		if n.stream != stream {
			continue
		}
		if n.name == name {
			return n, nil
		}
		known = append(known, n.name)
	}
	return network{}, fmt.Errorf("unknown network %q: must be one of %s", name, strings.Join(known, ", "))
}

// endpoint splits an address into host and port number. Only a service name needs the kernel's help.
func (n network) endpoint(k Kernel, addr string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	p, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		if service != "" && strings.Trim(service, "0123456789") == "" {
			return "", 0, fmt.Errorf("port %s: must be 0 … 65535", service)
		}
		found, err := k.LookupPort(context.Background(), strings.TrimRight(n.name, "46"), service)
		if err != nil {
			return "", 0, err
		}
		p = uint64(found)
	}
	return host, uint16(p), nil
}

// literal is the address if the host needs no lookup; ok tells.
func (n network) literal(k Kernel, host string, port uint16) (a Addr, ok bool, err error) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return Addr{}, false, nil
	}
	if !n.takes(ip) {
		return Addr{}, false, fmt.Errorf("address %s is not for %s", host, n.name)
	}
	a, err = inet(k, ip, port)
	return a, true, err
}

func (n network) takes(ip netip.Addr) bool {
	return n.ip == "ip" || n.ip == "ip4" == ip.Unmap().Is4()
}

// inet is the endpoint, its zone resolved to an interface number.
func inet(k Kernel, ip netip.Addr, port uint16) (Addr, error) {
	zone := ip.Zone()
	a := kernel.Inet(netip.AddrPortFrom(ip.Unmap().WithZone(""), port))
	if zone == "" || a.Family != kernel.AF_INET6 {
		return a, nil
	}
	if i, err := strconv.ParseUint(zone, 10, 32); err == nil {
		a.Scope = uint32(i)
		return a, nil
	}
	i, err := k.Interface(zone)
	a.Scope = uint32(i)
	return a, err
}

// addrs makes endpoints of what a lookup gave, in its order.
func (n network) addrs(k Kernel, ips []netip.Addr, port uint16) (list []Addr, err error) {
	for _, ip := range ips {
		if n.takes(ip) {
			a, e := inet(k, ip, port)
			if e != nil {
				err = e
				continue
			}
			list = append(list, a)
		}
	}
	if len(list) == 0 && err == nil {
		err = fmt.Errorf("no address for %s", n.name)
	}
	return list, err
}

// binding is where to listen. dual asks for an IPv6 socket that takes IPv4 too.
func (n network) binding(k Kernel, addr string) (a Addr, dual bool, err error) {
	if n.ip == "" {
		return kernel.Unix(addr), false, nil
	}
	host, port, err := n.endpoint(k, addr)
	if err != nil {
		return Addr{}, false, err
	}
	if host == "" {
		if n.ip == "ip4" {
			return Addr{Family: kernel.AF_INET, Port: port}, false, nil
		}
		return Addr{Family: kernel.AF_INET6, Port: port}, n.ip == "ip", nil
	}
	a, ok, err := n.literal(k, host, port)
	if ok || err != nil {
		return a, n.ip == "ip" && a.Family == kernel.AF_INET6 && a.IsUnspecified(), err
	}
	ips, err := k.Lookup(context.Background(), n.ip, host)
	if err != nil {
		return Addr{}, false, err
	}
	list, err := n.addrs(k, ips, port)
	if err != nil {
		return Addr{}, false, err
	}
	for _, a := range list { // IPv4 first, as package net listens
		if a.Family == kernel.AF_INET {
			return a, false, nil
		}
	}
	return list[0], false, nil
}

// netAddr is the address as package net gives it.
func netAddr(a Addr, dgram bool) net.Addr {
	switch {
	case a.Family == kernel.AF_UNIX && dgram:
		return &net.UnixAddr{Name: a.Path, Net: "unixgram"}
	case a.Family == kernel.AF_UNIX:
		return &net.UnixAddr{Name: a.Path, Net: "unix"}
	case dgram:
		return net.UDPAddrFromAddrPort(a.AddrPort())
	}
	return net.TCPAddrFromAddrPort(a.AddrPort())
}
