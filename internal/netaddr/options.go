package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Setter sets a socket option; what names it in the error.
type Setter func(level, name, value int, what string) error

// A Getter asks for a socket option.
type Getter func(level, name int) (int, error)

// A Try sets a socket option that a socket can do without. A system or a sandbox may refuse it with
// any errno. If the descriptor itself is the reason, the next call says so.
type Try func(level, name, value int)

// Trying is a Try by set.
func Trying(set Setter) Try {
	return func(level, name, value int) { _ = set(level, name, value, "") }
}

// GramMax is the longest datagram of a Unix socket that a program of this module sends or receives.
const GramMax = 4 << 20

// Birth sets what package net sets on every socket of the network before it is bound or connected.
// Without it the system's own choice of V6ONLY counts, and UDP may not broadcast. A Unix socket
// sends no datagram that is longer than its send buffer, so that one is made large, as far as the
// system allows.
func (n Network) Birth(family int, try Try) {
	if family == kernel.AF_INET6 {
		try(kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, btoi(n.v6Only()))
	}
	switch {
	case n.UDP():
		try(kernel.SOL_SOCKET, kernel.SO_BROADCAST, 1)
	case n.Unix() && !n.Stream():
		try(kernel.SOL_SOCKET, kernel.SO_SNDBUF, GramMax)
	}
}

func (n Network) v6Only() bool { return n.IP == "ip6" || !kernel.MapsIPv4 }

// Options sets what package net sets on a socket that is to be bound. SO_REUSEADDR keeps a listener
// from being refused its port by connections that linger in TIME_WAIT; with multicast it lets
// others have the port too. Only V6ONLY is required, where it decides what the socket hears, and
// only if the system's own choice is another.
func (b Binding) Options(n Network, set Setter, get Getter) error {
	try := Trying(set)
	n.Birth(b.Addr.Family, try)
	if n.Stream() || b.Group {
		try(kernel.SOL_SOCKET, kernel.SO_REUSEADDR, 1)
	}
	if b.Group && kernel.GroupsSharePort {
		try(kernel.SOL_SOCKET, kernel.SO_REUSEPORT, 1)
	}
	if b.Addr.Family != kernel.AF_INET6 || !b.Any() {
		return nil
	}
	if v, err := get(kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY); err == nil && (v != 0) == n.v6Only() {
		return nil
	}
	return set(kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, btoi(n.v6Only()), "IPV6_V6ONLY")
}

// Fallback is the binding on a host without IPv6; ok is false if there is none.
func (b Binding) Fallback(e kernel.Errno) (_ Binding, ok bool) {
	if e != kernel.EAFNOSUPPORT || !b.Dual {
		return b, false
	}
	return Binding{Addr: kernel.Addr{Family: kernel.AF_INET, Port: b.Addr.Port}}, true
}

// KeepAlive turns TCP's probing on with the interval, in whole seconds, where the system has one; 0
// turns it off.
func KeepAlive(d time.Duration, set Setter) error {
	if err := set(kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, btoi(d > 0), "SO_KEEPALIVE"); err != nil || d == 0 {
		return err
	}
	secs := int((d + time.Second - 1) / time.Second)
	for _, name := range []int{kernel.TCP_KEEPIDLE, kernel.TCP_KEEPINTVL} {
		if name == 0 { // OpenBSD: the system's interval
			continue
		}
		if err := set(kernel.IPPROTO_TCP, name, secs, "keep-alive interval"); err != nil {
			return err
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
