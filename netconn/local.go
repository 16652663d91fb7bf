package netconn

import (
	"net"
	"net/netip"
	"os"
	"reflect"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// given returns an address for an error. It returns nil if the address is missing.
func given(a net.Addr) net.Addr {
	if missing(a) {
		return nil
	}
	return a
}

// missing reports whether there is no address: nil, or a nil pointer.
func missing(a net.Addr) bool {
	if a == nil {
		return true
	}
	v := reflect.ValueOf(a)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// ipOf returns IP address, port and zone of an address of TCP or UDP.
func ipOf(a net.Addr) (ip net.IP, port int, zone string) {
	switch a := a.(type) {
	case *net.TCPAddr:
		if a != nil {
			return a.IP, a.Port, a.Zone
		}
	case *net.UDPAddr:
		if a != nil {
			return a.IP, a.Port, a.Zone
		}
	}
	return nil, 0, ""
}

// forLocal returns those addresses of list to which a socket at local can connect, as package net
// does.
func forLocal(n netaddr.Network, local net.Addr, list []netaddr.Endpoint) ([]netaddr.Endpoint, error) {
	if local.Network() != list[0].Net(n).Network() {
		return nil, &net.AddrError{Err: "mismatched local address type", Addr: local.String()}
	}
	ip, _, _ := ipOf(local)
	if n.Unix() || len(ip) == 0 || ip.IsUnspecified() {
		return list, nil
	}
	var fit []netaddr.Endpoint
	for _, e := range list {
		if !e.IP.IsValid() || e.IP.WithZone("").IsUnspecified() || ip.To16() != nil && e.IP.Unmap().Is4() == (ip.To4() != nil) {
			fit = append(fit, e)
		}
	}
	if len(fit) == 0 {
		return nil, &net.AddrError{Err: netaddr.NoneForNetwork, Addr: local.String()}
	}
	return fit, nil
}

// bindLocal binds a socket that will be connected later.
func bindLocal(s *socket.Socket, local net.Addr) error {
	if missing(local) {
		return nil
	}
	if a, ok := local.(*net.UnixAddr); ok {
		if a.Name == "" {
			return nil
		}
		return osCause("bind", s.Bind(socket.Path(a.Name)))
	}
	ip, port, zone := ipOf(local)
	at, err := netaddr.SockAddr(inside.Desc(s).Kernel, s.Family(), ip, zone)
	if err != nil {
		return err
	}
	if at.Port, err = netaddr.Port(port); err != nil {
		return os.NewSyscallError("bind", kernel.EINVAL)
	}
	return osCause("bind", s.Bind(socketAddr(at)))
}

// endpoint returns an address for a dial or a listener. The family is that of the IP address. An
// error names the system call `call`.
func (n *Net) endpoint(a netaddr.Network, addr, local net.Addr, call string) (e netaddr.Endpoint, err error) {
	if a.Unix() {
		return netaddr.Endpoint{Addr: kernel.Unix(pathOf(addr))}, nil
	}
	ip, port, zone := ipOf(addr)
	e.IP, _ = netip.AddrFromSlice(ip)
	e.IP = e.IP.WithZone(zone)
	from, _, _ := ipOf(local)
	e.Addr, err = netaddr.SockAddr(n.k, a.FamilyOf(from, ip), ip, zone)
	if err == nil {
		if e.Addr.Port, err = netaddr.Port(port); err != nil {
			err = os.NewSyscallError(call, kernel.EINVAL)
		}
	}
	return e, err
}
