package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// loopLatency is how long a packet from a host to itself takes.
const loopLatency = int64(5 * time.Microsecond)

// SetLatency sets the latency between this host and all others. 0 means the latency of the world.
// Between two hosts the larger latency applies.
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

// An inet is the common part of TCP and UDP sockets.
type inet struct {
	family    int
	v6only    bool
	bsd       bool
	bound     bool
	fixedAddr bool // bind(2) has set it: it stays after a failed connect
	fixedPort bool
	local     netip.AddrPort // unmapped; the zero Addr is the wildcard
	remote    netip.AddrPort
	reuseAddr bool
	reusePort bool
	opts      []option
	seat      seat // for the claim of its port
}

// open46 initializes an inet of the family. On the BSDs IPV6_V6ONLY is the default.
func (h *Host) open46(s *inet, family int) {
	s.family, s.bsd = family, h.os() != Linux
	if s.bsd && family == kernel.AF_INET6 {
		s.v6only = true
		put(&s.opts, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 1)
	}
}

// told converts an address to the form that a socket of this family reports.
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

// plain converts an address to the form that hosts use: unmapped, and the zero Addr for the
// wildcard.
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

// takes returns whether a socket that is bound to local receives packets to address a.
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

// unzoned returns whether an address is link-local and has no interface.
func unzoned(a Addr) bool {
	return a.Family == kernel.AF_INET6 && a.Scope == 0 && netip.AddrFrom16(a.IP).IsLinkLocalUnicast()
}

// machine returns the host that has the address from the view of h, or nil if no host has it.
func (h *Host) machine(ip netip.Addr) *Host {
	if h.has(ip) {
		return h
	}
	return h.w.byIP[ip]
}
