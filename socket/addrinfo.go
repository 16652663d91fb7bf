package socket

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/reactor"
)

// An AddrInfo is one result of GetAddrInfo. It is MicroPython's tuple of five items.
type AddrInfo struct {
	Family, Type, Proto int
	CanonName           string // always empty
	Addr                Addr
}

// GetAddrInfo resolves a host and a port. The host is a name or the text of an address. The port is
// a number or the name of a service. af, typ and proto restrict the results, and 0 allows all.
// Streams come first, then datagrams, then raw sockets. An error of the resolver is an OSError with
// a negative number. A port out of range is ErrValue.
func GetAddrInfo(host, port string, af, typ, proto, flags int) ([]AddrInfo, error) {
	q, err := newQuery(kernel.Host, host, port, af, typ, proto, flags)
	if err == nil && q.asks() {
		err = q.ask(context.Background(), kernel.Host)
	}
	if err != nil {
		return nil, err
	}
	return q.answer()
}

// GetAddrInfoOn is GetAddrInfo for a Task. The Task waits, and the loop continues.
func GetAddrInfoOn(t *reactor.Task, host, port string, af, typ, proto, flags int) ([]AddrInfo, error) {
	if t == nil {
		panic("socket: GetAddrInfoOn a nil Task: outside of a Task, use GetAddrInfo")
	}
	q, err := newQuery(t.Reactor().Kernel(), host, port, af, typ, proto, flags)
	if err == nil && q.asks() {
		asked := *q // a copy, because the lookup continues if the Task is cancelled
		ctx, k := t.Context(), t.Reactor().Kernel()
		var failed error
		if e := t.Await(func() { failed = asked.ask(ctx, k) }); e != nil {
			return nil, fail(opGetAddrInfo, kernel.ECANCELED)
		}
		q, err = &asked, failed
	}
	if err != nil {
		return nil, err
	}
	return q.answer()
}

// A service is a kind of socket: a type and a protocol. The result of GetAddrInfo has an entry for
// each combination of an address and a service.
type service struct {
	typ, proto int
	network    string // the network for lookups of service names
	port       int    // a number, portUnknown (not looked up yet) or portNone (no such service)
}

const (
	portUnknown = -1
	portNone    = -2
)

// A query has the state of one GetAddrInfo.
type query struct {
	host, port string
	af         int
	flags      int
	services   []service
	addrs      []kernel.Addr
	// The error of the host. If the service has an error, that one is returned instead.
	wrong error
}

func eai(code int) error { return &OSError{code, opGetAddrInfo.String()} }

const knownFlags = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV

// newQuery checks the arguments, and does everything that needs no lookup.
func newQuery(k kernel.Kernel, host, port string, af, typ, proto, flags int) (*query, error) {
	if flags&^knownFlags != 0 {
		return nil, eai(EAI_BADFLAGS)
	}
	if af != 0 && af != AF_INET && af != AF_INET6 {
		return nil, eai(EAI_FAMILY)
	}
	q := &query{host: host, port: port, af: af, flags: flags}
	n, err := q.number()
	if err == nil {
		err = q.choose(typ, proto, n)
	}
	if err != nil {
		return nil, err
	}
	q.wrong = q.literal(k, flags)
	return q, nil
}

// choose selects the services as the C libraries do. A raw socket has no port. So it is selected
// only if neither typ nor proto is given.
func (q *query) choose(typ, proto, port int) error {
	all := []service{
		{SOCK_STREAM, IPPROTO_TCP, "tcp", port},
		{SOCK_DGRAM, IPPROTO_UDP, "udp", port},
		{SOCK_RAW, 0, "", port},
	}
	if typ == 0 && proto == 0 {
		q.services = all
		return nil
	}
	for _, s := range all[:2] {
		if (typ == 0 || typ == s.typ) && (proto == 0 || proto == s.proto) {
			q.services = []service{s}
			return nil
		}
	}
	if typ == 0 || typ == SOCK_RAW {
		return eai(EAI_SERVICE)
	}
	return eai(EAI_SOCKTYPE)
}

// number parses a port number. Blanks may precede it, as in strtoul(3). For another text, number
// returns portUnknown.
func (q *query) number() (int, error) {
	n, err := strconv.Atoi(strings.TrimLeft(q.port, " \t\n\v\f\r"))
	switch {
	case q.port == "":
		return 0, nil
	case errors.Is(err, strconv.ErrRange), err == nil && (n < 0 || n > math.MaxUint16):
		return 0, badValue(opGetAddrInfo, "port %.20s must be 0 … 65535", q.port)
	case err == nil:
		return n, nil
	case q.flags&AI_NUMERICSERV != 0:
		return 0, eai(EAI_NONAME)
	}
	return portUnknown, nil
}

// literal sets the address if the host is the text of an address.
func (q *query) literal(k kernel.Kernel, flags int) error {
	a, ok := kernel.Addr{}, false
	if ip, isShort := shortIPv4(q.host); isShort {
		a, ok = kernel.Addr{Family: AF_INET, IP: ip}, true
	} else if t := Tuple(q.host, 0); q.host != "" && t.bad == "" {
		a, ok = t.a, true
	} else if host, zone, found := strings.Cut(q.host, "%"); found {
		t := Tuple(host, 0)
		if t.bad != "" || t.a.Family != AF_INET6 {
			return eai(EAI_NONAME)
		}
		scope, err := netaddr.Scope(k, zone)
		if err != nil || !t.a.AddrPort().Addr().IsLinkLocalUnicast() && !t.a.AddrPort().Addr().IsLinkLocalMulticast() {
			return eai(EAI_NONAME)
		}
		a, ok = t.a, true
		a.Scope = scope
	}
	switch {
	case ok && q.af == AF_INET6 && a.Family == AF_INET && flags&AI_V4MAPPED != 0:
		a = mapped(a)
	case ok && q.af == AF_INET && a.Family == AF_INET6 && a.AddrPort().Addr().Is4In6():
		a = kernel.Addr{Family: AF_INET, IP: [16]byte(append(a.IP[12:], make([]byte, 12)...))}
	case ok && q.af != 0 && q.af != a.Family:
		return eai(EAI_ADDRFAMILY)
	}
	switch {
	case ok:
		q.addrs = []kernel.Addr{a}
	case flags&AI_NUMERICHOST != 0, !plausible(q.host):
		return eai(EAI_NONAME)
	}
	return nil
}

// mapped converts an IPv4 address to an IPv4-mapped IPv6 address.
func mapped(a kernel.Addr) kernel.Addr {
	return kernel.Inet(netip.AddrPortFrom(netip.AddrFrom16(a.AddrPort().Addr().As16()), a.Port))
}

// plausible returns whether a name server could know the name.
func plausible(host string) bool {
	if host == "" || len(host) > 255 || strings.ContainsAny(host, "\x00 \t\r\n/:%") {
		return false
	}
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	return strings.Trim(last, "0123456789") != "" // if it is empty, host is a wrong address
}

// asks returns whether the query needs a lookup.
func (q *query) asks() bool {
	return q.services[0].port == portUnknown || len(q.addrs) == 0 && q.wrong == nil
}

// ask makes the lookups. It may block.
func (q *query) ask(ctx context.Context, k kernel.Kernel) error {
	if q.services[0].port == portUnknown {
		known := false
		for i := range q.services {
			s := &q.services[i]
			s.port = portNone
			if s.network == "" {
				continue
			}
			if n, err := k.LookupPort(ctx, s.network, q.port); err == nil {
				s.port, known = n, true
			}
		}
		if !known {
			return eai(EAI_SERVICE)
		}
	}
	if len(q.addrs) > 0 || q.wrong != nil {
		return nil
	}
	network := map[int]string{0: "ip", AF_INET: "ip4", AF_INET6: "ip6"}[q.af]
	maps := q.af == AF_INET6 && q.flags&AI_V4MAPPED != 0
	if maps {
		network = "ip"
	}
	ips, err := k.Lookup(ctx, network, q.host)
	if err != nil {
		return lookupError(err)
	}
	var others []kernel.Addr // IPv4 addresses in their mapped form
	for _, ip := range ips {
		a, err := netaddr.InetAny(k, netip.AddrPortFrom(ip, 0))
		if err != nil {
			continue
		}
		if q.af == 0 || q.af == a.Family {
			q.addrs = append(q.addrs, a)
		} else if maps {
			others = append(others, mapped(a))
		}
	}
	if len(q.addrs) == 0 || q.flags&AI_ALL != 0 {
		q.addrs = append(q.addrs, others...)
	}
	if len(q.addrs) == 0 {
		return eai(EAI_NONAME)
	}
	return nil
}

func lookupError(err error) error {
	var dns *net.DNSError
	var addr *net.AddrError
	if errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &addr) {
		return eai(EAI_NONAME)
	}
	return eai(EAI_AGAIN)
}

// answer returns the result, with an entry for each address and service.
func (q *query) answer() (list []AddrInfo, err error) {
	if q.wrong != nil {
		return nil, q.wrong
	}
	for _, a := range q.addrs {
		for _, s := range q.services {
			if s.port < 0 {
				continue
			}
			a.Port = uint16(s.port)
			list = append(list, AddrInfo{Family: a.Family, Type: s.typ, Proto: s.proto, Addr: Addr{a: a}})
		}
	}
	return list, nil
}
