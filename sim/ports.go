package sim

import (
	"net/netip"
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
)

// ports contains the TCP and UDP port numbers of a host.
type ports struct {
	next uint16
	used [2]map[uint16]*port // UDP and TCP; never iterated
}

// A port contains the sockets that use it.
type port struct {
	claims    []claim
	listeners []*tcp // the oldest one is first; some may not listen any more
}

// A claim is the use of a port by one socket.
type claim struct {
	who       *inet
	f         file
	listening bool
	shared    bool // chosen for a connect, so other connections may use it too
}

// A seat is the place of a socket's claim.
type seat struct {
	p   *port
	at  int
	tcp bool
}

const (
	ephemeralFirst = 32768
	ephemeralLast  = 60999
)

func (p *ports) at(n uint16, tcp bool) *port { return p.used[one(tcp)][n] }

// claim records that the socket uses its local port.
func (p *ports) claim(s *inet, f file, tcp, shared bool) {
	m := &p.used[one(tcp)]
	if *m == nil {
		*m = map[uint16]*port{}
	}
	n := s.local.Port()
	if (*m)[n] == nil {
		(*m)[n] = &port{}
	}
	u := (*m)[n]
	s.seat = seat{u, len(u.claims), tcp}
	u.claims = append(u.claims, claim{who: s, f: f, shared: shared})
}

func (p *ports) release(s *inet) {
	u, at := s.seat.p, s.seat.at
	if u == nil {
		return
	}
	last := len(u.claims) - 1
	if at != last {
		u.claims[at] = u.claims[last]
		u.claims[at].who.seat.at = at
	}
	u.claims[last] = claim{}
	u.claims = u.claims[:last]
	u.listeners = slices.DeleteFunc(u.listeners, func(l *tcp) bool { return &l.inet == s })
	if len(u.claims) == 0 {
		delete(p.used[one(s.seat.tcp)], s.local.Port())
	}
	s.seat = seat{}
}

func (p *ports) listening(l *tcp) {
	u := l.seat.p
	u.claims[l.seat.at].listening = true
	if !slices.Contains(u.listeners, l) {
		u.listeners = append(u.listeners, l)
	}
}

// taken returns whether another socket prevents this one from using the port of its local address.
func (p *ports) taken(s *inet, tcp bool) bool {
	u := p.at(s.local.Port(), tcp)
	if u == nil {
		return false
	}
	for _, c := range u.claims {
		if c.who == s || !c.who.overlaps(s) {
			continue
		}
		if c.who.reusePort && s.reusePort || c.who.reuseAddr && s.reuseAddr && !(tcp && c.listening) {
			continue
		}
		return true
	}
	return false
}

// free returns an unused port, or 0 if there is none. A connect may also get a port that is used
// only by connects to other addresses, because their packets cannot be confused.
func (p *ports) free(tcp bool, from, to netip.AddrPort) uint16 {
	for range ephemeralLast - ephemeralFirst + 1 {
		n := p.next
		if p.next++; p.next > ephemeralLast {
			p.next = ephemeralFirst
		}
		u := p.at(n, tcp)
		if u == nil || to.IsValid() && !slices.ContainsFunc(u.claims, func(c claim) bool {
			return !c.shared || c.who.remote == to && c.who.local.Addr() == from.Addr()
		}) {
			return n
		}
	}
	return 0
}

// bind sets the local address of the socket.
func (h *Host) bind(s *inet, f file, tcp bool, a Addr) Errno {
	if s.bound {
		return kernel.EINVAL
	}
	if h.os() == Linux && s.family == kernel.AF_INET6 && (a.Family == kernel.AF_INET || a.Is4In6() && s.v6only) {
		return kernel.EINVAL
	}
	at, e := s.plain(a)
	if e != 0 {
		return e
	}
	if ip := at.Addr(); ip.IsValid() && !h.has(ip) && (tcp || !ip.IsMulticast()) {
		return kernel.EADDRNOTAVAIL
	}
	old := s.local
	if s.local = at; at.Port() == 0 {
		port := h.ports.free(tcp, at, netip.AddrPort{})
		if port == 0 {
			s.local = old
			return kernel.EADDRINUSE
		}
		s.local = netip.AddrPortFrom(at.Addr(), port)
	} else if h.ports.taken(s, tcp) {
		s.local = old
		return kernel.EADDRINUSE
	}
	s.bound = true
	s.fixedAddr, s.fixedPort = at.Addr().IsValid(), at.Port() != 0
	h.ports.claim(s, f, tcp, false)
	return 0
}

// route returns the address to send from. If the socket has no port, route gives it one.
func (h *Host) route(s *inet, f file, tcp bool, to netip.AddrPort) (netip.AddrPort, Errno) {
	ip := to.Addr()
	if !ip.IsValid() { // the wildcard address means this host
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if s.family == kernel.AF_INET6 {
			ip = netip.IPv6Loopback()
		}
	}
	from, ok := h.source(ip)
	if s.local.Addr().IsValid() && !s.local.Addr().IsMulticast() {
		from, ok = s.local.Addr(), s.local.Addr().Is4() == ip.Is4()
	}
	if h.os() != Linux && ip.IsLoopback() && !h.has(ip) {
		return netip.AddrPort{}, kernel.EHOSTUNREACH
	}
	if !ok {
		return netip.AddrPort{}, kernel.ENETUNREACH
	}
	dest := netip.AddrPort{} // on FreeBSD and NetBSD connects share no ports by default
	if tcp && to.Port() != 0 && h.os() == Linux {
		dest = netip.AddrPortFrom(ip, to.Port())
	}
	if e := h.bound(s, f, tcp, netip.AddrPortFrom(from, 0), dest); e != 0 {
		return netip.AddrPort{}, e
	}
	return netip.AddrPortFrom(from, s.local.Port()), 0
}

// bound gives the socket a port if it has none. If to is an address, the port is for a connect.
func (h *Host) bound(s *inet, f file, tcp bool, from, to netip.AddrPort) Errno {
	if s.bound {
		return 0
	}
	port := h.ports.free(tcp, from, to)
	if port == 0 {
		return kernel.EADDRNOTAVAIL
	}
	s.local = netip.AddrPortFrom(s.local.Addr(), port)
	s.bound = true
	h.ports.claim(s, f, tcp, to.IsValid())
	return 0
}
