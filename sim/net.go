package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// loopLatency is how long a packet takes from a host to itself.
const loopLatency = int64(5 * time.Microsecond)

// SetLatency sets the latency between this host and all others; 0 means that of the world. Between
// two hosts the larger one counts.
func (h *Host) SetLatency(d time.Duration) {
	if d < 0 || d > longest {
		panic(fmt.Sprintf("sim: SetLatency(%v): must be 0 … %v", d, longest))
	}
	h.fixed = d
}

// passes returns whether a packet can get from one host to the other.
func (w *World) passes(from, to *Host) bool {
	if from.down || to.down || from.way(to).cut > 0 {
		return false
	}
	return from == to || to.clogged[0]+from.clogged[1] == 0
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
	seat      seat // the claim of its port
}

// open46 sets up an inet of the family. IPV6_V6ONLY is the default on the BSDs.
func (h *Host) open46(s *inet, family int) {
	s.family, s.bsd = family, h.os() != Linux
	if s.bsd && family == kernel.AF_INET6 {
		s.v6only = true
		put(&s.opts, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 1)
	}
}

// told returns an address in the form in which a socket of this family reports it.
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

// takes returns whether a socket that is bound to local receives packets to the address a.
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

// unzoned returns whether an address is link-local and names no interface.
func unzoned(a Addr) bool {
	return a.Family == kernel.AF_INET6 && a.Scope == 0 && netip.AddrFrom16(a.IP).IsLinkLocalUnicast()
}

// machine returns the host that has the address, seen from h; nil if none has it.
func (h *Host) machine(ip netip.Addr) *Host {
	if h.has(ip) {
		return h
	}
	return h.w.byIP[ip]
}
