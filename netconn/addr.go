package netconn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// nets is what the name of a network stands for.
type nets struct {
	name string
	typ  int
	ip   string // "ip", "ip4" or "ip6"; "" for Unix sockets
}

var networks = []nets{
	{"tcp", socket.SOCK_STREAM, "ip"},
	{"tcp4", socket.SOCK_STREAM, "ip4"},
	{"tcp6", socket.SOCK_STREAM, "ip6"},
	{"udp", socket.SOCK_DGRAM, "ip"},
	{"udp4", socket.SOCK_DGRAM, "ip4"},
	{"udp6", socket.SOCK_DGRAM, "ip6"},
	{"unix", socket.SOCK_STREAM, ""},
	{"unixgram", socket.SOCK_DGRAM, ""},
}

func (n *Net) findNetwork(name string) (nets, error) {
	for _, a := range networks {
		if a.name == name {
			return a, nil
		}
	}
	return nets{name: name}, net.UnknownNetworkError(name)
}

// errMissingAddress is a dial to "".
var errMissingAddress = errors.New("missing address")

// guess is the address for an error's text where nothing has been resolved.
func (a nets) guess(address string) net.Addr {
	if a.typ != 0 && a.ip == "" {
		return &net.UnixAddr{Name: address, Net: a.name}
	}
	if ap, err := netip.ParseAddrPort(address); err == nil && a.typ != 0 {
		return netAddr(a.name, socket.AddrOf(ap))
	}
	return nil
}

// endpoint splits an address into a host, which may be empty, and a port.
func (n *Net) endpoint(ctx context.Context, a nets, address string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if p, err := strconv.ParseUint(service, 10, 16); err == nil {
		return host, int(p), nil
	}
	err = n.await(ctx, func(ctx context.Context) (err error) {
		port, err = n.k.LookupPort(ctx, strings.TrimRight(a.name, "46"), service)
		return err
	})
	return host, port, err
}

// resolve lists the addresses of a host that is not empty.
func (n *Net) resolve(ctx context.Context, a nets, host string, port int) (list []socket.Addr, err error) {
	var ips []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = []netip.Addr{ip}
	} else if err := n.await(ctx, func(ctx context.Context) (err error) {
		ips, err = n.k.Lookup(ctx, a.ip, host)
		return err
	}); err != nil {
		return nil, err
	}
	for _, ip := range ips {
		zone := ip.Zone()
		ip = ip.WithZone("").Unmap()
		if a.ip != "ip" && a.ip == "ip4" != ip.Is4() {
			continue
		}
		if zone != "" && !ip.Is4() {
			list = append(list, socket.Tuple(ip.String(), port, 0, scope(n.k, zone)))
		} else {
			list = append(list, socket.Tuple(ip.String(), port))
		}
	}
	if len(list) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return list, nil
}

// scope is an interface's number: 0, none, for one that is not there, as with package net.
func scope(k kernel.Kernel, zone string) int {
	if i, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return int(i)
	}
	i, _ := k.Interface(zone)
	return i
}

// await runs f, which may block, for a caller who must not block the loop: as Task.Await does. Parked ones just call it.
func (n *Net) await(ctx context.Context, f func(context.Context) error) error {
	if n.r == nil {
		return f(ctx)
	}
	task, e := n.w.Sleeper()
	if e != 0 {
		return &socket.OSError{Errno: int(e), Op: "lookup"}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the task may be unwound
	var err error
	done := false
	n.k.Go(func() {
		failed := f(ctx)
		n.w.Post(func() {
			done, err = true, failed
			task.Wake()
		})
	})
	for !done {
		if e := task.Sleep(desc.In, timeout.Never); e != 0 {
			return e
		}
	}
	return err
}

// binding is where to listen. dual asks for an IPv6 socket that takes IPv4 too.
func (n *Net) binding(ctx context.Context, a nets, address string) (at socket.Addr, dual bool, err error) {
	if a.ip == "" {
		return socket.Path(address), false, nil
	}
	host, port := "", 0
	if address != "" { // as package net, which takes it for ":0"
		if host, port, err = n.endpoint(ctx, a, address); err != nil {
			return at, false, err
		}
	}
	if host == "" {
		if a.ip == "ip4" {
			return socket.Tuple("0.0.0.0", port), false, nil
		}
		return socket.Tuple("::", port), a.ip == "ip", nil
	}
	list, err := n.resolve(ctx, a, host, port)
	if err != nil {
		return at, false, err
	}
	at = list[0]
	for _, i := range list { // IPv4 first, as package net listens
		if i.Family() == socket.AF_INET {
			at = i
			break
		}
	}
	return at, a.ip == "ip" && at.Family() == socket.AF_INET6 && at.AddrPort().Addr().IsUnspecified(), nil
}

// netAddr is the address as package net gives it.
func netAddr(network string, a socket.Addr) net.Addr {
	switch {
	case strings.HasPrefix(network, "unix"):
		return &net.UnixAddr{Name: a.Host(), Net: network}
	case strings.HasPrefix(network, "udp"):
		return net.UDPAddrFromAddrPort(unmap(a.AddrPort()))
	}
	return net.TCPAddrFromAddrPort(unmap(a.AddrPort()))
}

// unmap has what an IPv6 socket tells of IPv4 peers as IPv4, and interfaces by their names, where these are known.
func unmap(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr().Unmap()
	if z := ip.Zone(); z != "" && runtime.GOOS != "plan9" {
		if i, err := strconv.Atoi(z); err == nil {
			if found, err := net.InterfaceByIndex(i); err == nil {
				ip = ip.WithZone(found.Name)
			}
		}
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// target is an address to send to, as a socket of the family takes it.
func target(family int, a netip.AddrPort) socket.Addr {
	if ip := a.Addr(); family == socket.AF_INET6 && ip.Is4() {
		a = netip.AddrPortFrom(netip.AddrFrom16(ip.As16()), a.Port())
	} else if family == socket.AF_INET {
		a = netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	return socket.AddrOf(a)
}
