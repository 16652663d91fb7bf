package sim

import (
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// loopLatency is how long a packet takes from a host to itself.
const loopLatency = int64(5 * time.Microsecond)

// A cut stops all packets from one host to another.
type cut struct{ from, to *Host }

// Cut stops all packets between two hosts, in both directions, until Heal. Connections stay open,
// and TCP keeps sending its data again.
func (w *World) Cut(a, b *Host) {
	w.CutOneWay(a, b)
	w.CutOneWay(b, a)
}

// CutOneWay stops the packets from one host to another only.
func (w *World) CutOneWay(from, to *Host) {
	if w.isCut(from, to) {
		return
	}
	v := from.way(to)
	if v.cuts++; w.does(Fault{Kind: CutOff, Host: from.name, To: to.name, Nth: v.cuts}) {
		w.trace.note(w, "cut "+from.name+" → "+to.name)
		w.cuts = append(w.cuts, cut{from, to})
		w.lonely()
	}
}

func (w *World) isCut(from, to *Host) bool {
	for _, c := range w.cuts {
		if c.from == from && c.to == to {
			return true
		}
	}
	return false
}

// Isolate cuts a host off from all others.
func (w *World) Isolate(h *Host) {
	for _, other := range w.hosts {
		if other != h {
			w.Cut(h, other)
		}
	}
}

// Heal ends all cuts and Swizzles.
func (w *World) Heal() {
	w.unclog()
	if len(w.cuts) > 0 {
		w.trace.note(w, "heal")
	}
	w.cuts = nil
}

// SetLatency sets the latency between this host and all others; 0 means the world's. Between two
// hosts the larger one counts.
func (h *Host) SetLatency(d time.Duration) {
	if d < 0 || d > longest {
		panic("sim: SetLatency: must be 0 … 1h")
	}
	h.fixed = d
}

// passes returns whether a packet can get from one host to the other.
func (w *World) passes(from, to *Host) bool {
	if from.down || to.down || w.isCut(from, to) {
		return false
	}
	return from == to || to.clogged[0]+from.clogged[1] == 0
}

// latency returns how long one packet takes, with jitter.
func (w *World) latency(from, to *Host) int64 {
	if from == to {
		return loopLatency
	}
	d := w.opt.Latency
	if m := max(from.fixed, to.fixed); m > 0 {
		d = m
	}
	return int64(d) + from.way(to).jitter.N(int64(w.opt.Jitter)+1)
}

// An inet has what TCP and UDP sockets have in common.
type inet struct {
	family    int
	v6only    bool
	bsd       bool
	bound     bool
	fixedAddr bool // set by bind(2): it stays after a failed connect
	fixedPort bool
	local     netip.AddrPort // unmapped; the zero Addr is any
	remote    netip.AddrPort
	reuseAddr bool
	reusePort bool
	opts      []option
}

// open46 sets up an inet of the family. IPV6_V6ONLY is the default on the BSDs.
func (h *Host) open46(s *inet, family int) {
	s.family, s.bsd = family, h.os() != Linux
	if s.bsd && family == kernel.AF_INET6 {
		s.v6only = true
		put(&s.opts, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 1)
	}
}

// told returns an address in the form of the socket's family.
func (s *inet) told(a netip.AddrPort) Addr {
	ip := a.Addr()
	switch {
	case s.family == kernel.AF_INET && !ip.IsValid():
		return Addr{Family: kernel.AF_INET, Port: a.Port()}
	case !ip.IsValid():
		return Addr{Family: kernel.AF_INET6, Port: a.Port()}
	case s.family == kernel.AF_INET6 && ip.Is4():
		return kernel.Inet(netip.AddrPortFrom(netip.AddrFrom16(ip.As16()), a.Port()))
	}
	return kernel.Inet(a)
}

// plain returns an address in the form that hosts use: unmapped, and the wildcard as the zero Addr.
func (s *inet) plain(a Addr) (netip.AddrPort, Errno) {
	if a.Family != kernel.AF_INET && a.Family != kernel.AF_INET6 {
		return netip.AddrPort{}, kernel.EAFNOSUPPORT
	}
	ip := a.AddrPort().Addr().WithZone("")
	switch {
	case s.family == kernel.AF_INET && a.Family == kernel.AF_INET6:
		return netip.AddrPort{}, kernel.EAFNOSUPPORT
	case s.family == kernel.AF_INET6 && a.Family == kernel.AF_INET:
		return netip.AddrPort{}, kernel.EAFNOSUPPORT
	case ip.Is4In6() && s.v6only && s.bsd:
		return netip.AddrPort{}, kernel.EINVAL
	case ip.Is4In6() && s.v6only:
		return netip.AddrPort{}, kernel.ENETUNREACH
	}
	if ip = ip.Unmap(); ip.IsUnspecified() {
		ip = netip.Addr{}
	}
	return netip.AddrPortFrom(ip, a.Port), 0
}

// takes returns whether a socket that is bound to local receives what is sent to a.
func (s *inet) takes(a netip.Addr) bool {
	if ip := s.local.Addr(); ip.IsValid() {
		return ip == a
	}
	if s.family == kernel.AF_INET {
		return a.Is4()
	}
	return !s.v6only || a.Is6()
}

// overlaps returns whether two sockets would receive the same packets.
func (s *inet) overlaps(t *inet) bool {
	a, b := s.local.Addr(), t.local.Addr()
	switch {
	case a.IsValid():
		return t.takes(a)
	case b.IsValid():
		return s.takes(b)
	}
	return s.family == t.family || s.family == kernel.AF_INET6 && !s.v6only || t.family == kernel.AF_INET6 && !t.v6only
}

// ports are a host's TCP and UDP port numbers.
type ports struct {
	next uint16
	used []claim
}

// A claim is one socket's use of a port.
type claim struct {
	who       *inet
	tcp       bool
	listening bool
}

const (
	ephemeralFirst = 32768
	ephemeralLast  = 60999
)

func (p *ports) claim(who *inet, tcp bool) { p.used = append(p.used, claim{who: who, tcp: tcp}) }

func (p *ports) release(who *inet) {
	for i := range p.used {
		if p.used[i].who == who {
			p.used[i] = p.used[len(p.used)-1]
			p.used = p.used[:len(p.used)-1]
			return
		}
	}
}

func (p *ports) listening(who *inet) {
	for i := range p.used {
		if p.used[i].who == who {
			p.used[i].listening = true
		}
	}
}

// taken returns whether another socket keeps this one from the port of its local address.
func (p *ports) taken(s *inet, tcp bool) bool {
	for _, c := range p.used {
		if c.tcp != tcp || c.who == s || c.who.local.Port() != s.local.Port() || !c.who.overlaps(s) {
			continue
		}
		if c.who.reusePort && s.reusePort || c.who.reuseAddr && s.reuseAddr && !(tcp && c.listening) {
			continue
		}
		return true
	}
	return false
}

// free returns an unused port, 0 if there is none.
func (p *ports) free(tcp bool) uint16 {
	for range ephemeralLast - ephemeralFirst + 1 {
		port := p.next
		if p.next++; p.next > ephemeralLast {
			p.next = ephemeralFirst
		}
		used := false
		for i := range p.used {
			used = used || p.used[i].tcp == tcp && p.used[i].who.local.Port() == port
		}
		if !used {
			return port
		}
	}
	return 0
}

// bind gives the socket its local address.
func (h *Host) bind(s *inet, tcp bool, a Addr) Errno {
	if s.bound {
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
		port := h.ports.free(tcp)
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
	h.ports.claim(s, tcp)
	return 0
}

// route returns the address to send from, and gives the socket a port if it has none.
func (h *Host) route(s *inet, tcp bool, to netip.AddrPort) (netip.AddrPort, Errno) {
	ip := to.Addr()
	if !ip.IsValid() { // the wildcard means this machine
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
	if e := h.bound(s, tcp); e != 0 {
		return netip.AddrPort{}, e
	}
	return netip.AddrPortFrom(from, s.local.Port()), 0
}

// bound gives the socket a port if it has none.
func (h *Host) bound(s *inet, tcp bool) Errno {
	if s.bound {
		return 0
	}
	port := h.ports.free(tcp)
	if port == 0 {
		return kernel.EADDRNOTAVAIL
	}
	s.local = netip.AddrPortFrom(s.local.Addr(), port)
	s.bound = true
	h.ports.claim(s, tcp)
	return 0
}

// machine returns the host that has the address, seen from h; nil if none has it.
func (h *Host) machine(ip netip.Addr) *Host {
	if h.has(ip) {
		return h
	}
	return h.w.byIP[ip]
}
