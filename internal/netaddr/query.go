package netaddr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Query turns the text of an address into addresses for sockets. Parse makes the Query. If Asks
// returns true, call Ask. Then call Targets or Binding. One goroutine at a time may use a Query.
type Query struct {
	Net Network
	// AnyZone means that the name of an unknown interface is scope 0, as in package net. Without
	// AnyZone, such a name is an error.
	AnyZone bool

	path    string // the path of a Unix socket
	host    string // "" means this machine
	service string // the name of a service that must be looked up; "" if the port is known
	port    uint16
	ips     []netip.Addr // the addresses of the host; nil until they are known
}

// Parse parses host:port, or the path of a Unix socket. It looks nothing up.
func (n Network) Parse(addr string) (*Query, error) {
	q := &Query{Net: n}
	if n.Unix() {
		q.path = addr
		return q, nil
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	q.host = host
	if ip, err := netip.ParseAddr(host); err == nil {
		q.ips = []netip.Addr{ip}
	}
	if q.port, err = number(service); err == errName {
		q.service, err = service, nil
	}
	if err != nil {
		return nil, err
	}
	return q, nil
}

var errName = errors.New("not a number")

// number parses a port as package net does, with or without a sign. If text is not a number, number
// returns errName.
func number(text string) (uint16, error) {
	digits := strings.TrimLeft(text, "+-")
	switch {
	case text == "":
		return 0, nil
	case len(text)-len(digits) > 1, strings.Trim(digits, "0123456789") != "", digits == "":
		return 0, errName
	}
	p, err := strconv.ParseInt(text, 10, 64)
	if err != nil || p < 0 || p > math.MaxUint16 {
		return 0, &net.AddrError{Err: InvalidPort, Addr: text}
	}
	return uint16(p), nil
}

// InvalidPort is the error text of package net for a port that is out of range.
const InvalidPort = "invalid port"

// Port converts p to a port number. It returns an error if p is out of range.
func Port(p int) (uint16, error) {
	if p < 0 || p > math.MaxUint16 {
		return 0, fmt.Errorf("port %d: must be 0 … %d", p, math.MaxUint16)
	}
	return uint16(p), nil
}

// AsksPort reports whether AskPort must be called, and Asks reports whether Ask must be called.
func (q *Query) AsksPort() bool { return q.service != "" }
func (q *Query) Asks() bool     { return q.AsksPort() || q.host != "" && q.ips == nil }

// AskPort looks up the name of the service, if necessary. It may read a file.
func (q *Query) AskPort(ctx context.Context, k kernel.Kernel) error {
	if q.service == "" {
		return nil
	}
	p, err := k.LookupPort(ctx, q.Net.Name, q.service)
	if err == nil {
		q.port, err = Port(p)
	}
	if err == nil {
		q.service = ""
	}
	return err
}

// Ask looks up the names of the service and the host, if necessary. It may block.
func (q *Query) Ask(ctx context.Context, k kernel.Kernel) error {
	if err := q.AskPort(ctx, k); err != nil || !q.Asks() {
		return err
	}
	ips, err := k.Lookup(ctx, q.Net.IP, q.host)
	if err == nil && len(ips) == 0 {
		err = q.none()
	}
	q.ips = ips
	return err
}

// NoneForNetwork is the error text of package net for a host that has no address of the network.
const NoneForNetwork = "no suitable address found"

func (q *Query) none() error { return &net.AddrError{Err: NoneForNetwork, Addr: q.host} }

// endpoints returns the addresses of the host, in the order of the lookup. It skips an address with
// an invalid zone, if the host has other addresses.
func (q *Query) endpoints(k kernel.Kernel) (list []Endpoint, err error) {
	ips := q.ips
	if len(ips) == 1 && ips[0].WithZone("") == netip.IPv6Unspecified() {
		// As in package net, [::] means IPv4 too.
		ips = append(ips[:1:1], netip.IPv4Unspecified())
	}
	for _, ip := range ips {
		if q.Net.IP != "ip" && q.Net.IP == "ip4" != ip.Unmap().Is4() {
			continue
		}
		read := Inet
		if q.AnyZone {
			read = InetAny
		}
		a, e := read(k, netip.AddrPortFrom(ip.Unmap(), q.port))
		if e != nil {
			err = e
			continue
		}
		list = append(list, Endpoint{a, ip})
	}
	if len(list) == 0 && err == nil {
		err = q.none()
	}
	if len(list) > 0 {
		err = nil
	}
	return list, err
}

// Targets returns the addresses to dial, in this order. An unspecified address becomes a loopback
// address.
func (q *Query) Targets(k kernel.Kernel) ([]Endpoint, error) {
	if q.Net.Unix() {
		return []Endpoint{{Addr: kernel.Unix(q.path)}}, nil
	}
	if q.host == "" {
		return []Endpoint{{Addr: loopback(q.Net.IP == "ip6", q.port)}}, nil
	}
	list, err := q.endpoints(k)
	for i, e := range list {
		list[i] = e.Here()
	}
	return list, err
}

func loopback(six bool, port uint16) kernel.Addr {
	if six {
		return kernel.Inet(netip.AddrPortFrom(netip.IPv6Loopback(), port))
	}
	return kernel.Inet(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
}

// A Binding is the address to bind a socket to, and what the options of the socket depend on.
type Binding struct {
	Addr  kernel.Addr
	Given Endpoint // the address that the caller has given
	// Dual means that the socket is to receive at all addresses of both families. It is an IPv6 socket
	// that also serves IPv4. On a host without IPv6 it is an IPv4 socket.
	Dual bool
	// Group means that Given is a multicast group. The socket is bound to the wildcard address, and
	// other sockets may bind the same port.
	Group bool
}

// Any reports whether the socket receives at more than one address of this machine.
func (b Binding) Any() bool { return b.Addr.IsUnspecified() }

// Binding returns the address to listen on, which it chooses as package net does. It prefers IPv4.
// If the network has both families and the address is unspecified, the Binding is Dual.
func (q *Query) Binding(k kernel.Kernel) (Binding, error) {
	if q.Net.Unix() {
		return q.Net.At(Endpoint{Addr: kernel.Unix(q.path)}), nil
	}
	family := kernel.AF_INET
	if q.Net.IP == "ip6" {
		family = kernel.AF_INET6
	}
	e := Endpoint{Addr: kernel.Addr{Family: family, Port: q.port}}
	if q.host != "" {
		list, err := q.endpoints(k)
		if err != nil {
			return Binding{}, err
		}
		e = first(list)
	}
	return q.Net.At(e), nil
}

// At returns the Binding for a socket that listens on e.
func (n Network) At(e Endpoint) Binding {
	a := e.Addr
	b := Binding{Addr: a, Given: e}
	switch {
	case n.Unix():
	case a.IsUnspecified():
		a.Scope = 0
		if n.IP == "ip" && kernel.MapsIPv4 {
			a.Family, b.Dual = kernel.AF_INET6, true
		}
		b.Addr = a
	case n.UDP() && a.AddrPort().Addr().IsMulticast():
		b.Addr, b.Group = kernel.Addr{Family: a.Family, Port: a.Port}, true
	}
	return b
}

// Listen returns the Binding for the address addr. A lookup may make it block.
func Listen(k kernel.Kernel, n Network, addr string) (Binding, error) {
	q, err := n.Parse(addr)
	if err == nil {
		err = q.Ask(context.Background(), k)
	}
	if err != nil {
		return Binding{}, err
	}
	return q.Binding(k)
}

// first returns the first IPv4 address. If there is none, it returns the first address.
func first(list []Endpoint) Endpoint {
	for _, e := range list {
		if e.Addr.Family == kernel.AF_INET {
			return e
		}
	}
	return list[0]
}
