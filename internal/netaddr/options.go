package netaddr

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Setter sets a socket option. what is the name of the option in an error.
type Setter func(level, name, value int, what string) error

// A Getter returns the value of a socket option.
type Getter func(level, name int) (int, error)

// A Try sets a socket option without which the socket works too. A system or a sandbox may refuse
// it with any Errno, so a Try returns no error. If the descriptor itself is broken, the next call
// on the socket fails.
type Try func(level, name, value int)

// Trying returns a Try that calls set and ignores the error.
func Trying(set Setter) Try {
	return func(level, name, value int) { _ = set(level, name, value, "") }
}

// GramMax is the length of the longest datagram that this module sends or receives on a Unix
// socket, in bytes.
const GramMax = 4 << 20

// Birth sets the options that every socket of the network gets after its creation, as in package
// net: V6ONLY for IPv6, and the permission of broadcasts for UDP. A Unix datagram must fit in the
// send buffer of its socket. So Birth makes that buffer as large as the system permits, up to
// GramMax.
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

// Options sets the options that package net sets on a socket before bind. With SO_REUSEADDR, a
// listener can bind a port whose earlier connections are in TIME_WAIT, and several sockets can
// share the port of a multicast group. V6ONLY is necessary if the system's default is the other
// value and the socket is bound to the wildcard address. Only in this case a failure is an error.
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

// Fallback returns the Binding to try next if the first bind has failed with e. There is one only
// if the host has no IPv6 and b is Dual. Otherwise ok is false.
func (b Binding) Fallback(e kernel.Errno) (_ Binding, ok bool) {
	if e != kernel.EAFNOSUPPORT || !b.Dual {
		return b, false
	}
	return Binding{Addr: kernel.Addr{Family: kernel.AF_INET, Port: b.Addr.Port}}, true
}

// keepAlive and keepAliveProbes are the defaults of package net.
const (
	keepAlive       = 15 * time.Second
	keepAliveProbes = 9
)

// KeepAliveOf returns the configuration that package net computes from the fields of a Dialer or a
// ListenConfig.
func KeepAliveOf(idle time.Duration, c net.KeepAliveConfig) net.KeepAliveConfig {
	if !c.Enable && idle >= 0 {
		return net.KeepAliveConfig{Enable: true, Idle: idle}
	}
	return c
}

// KeepAlive turns TCP's keep-alive probes on or off. As in package net, a time or count of 0 means
// the default of package net, and a negative one leaves the option unset. Times are rounded up to
// whole seconds. An option that the system does not have is left unset.
func KeepAlive(c net.KeepAliveConfig, set Setter) error {
	if err := set(kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, btoi(c.Enable), "SO_KEEPALIVE"); err != nil {
		return err
	}
	if err := KeepAliveTime(kernel.TCP_KEEPIDLE, c.Idle, set); err != nil {
		return err
	}
	if err := KeepAliveTime(kernel.TCP_KEEPINTVL, c.Interval, set); err != nil {
		return err
	}
	n := c.Count
	if n == 0 {
		n = keepAliveProbes
	}
	if n < 0 || kernel.TCP_KEEPCNT == 0 {
		return nil
	}
	return set(kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT, n, "TCP_KEEPCNT")
}

// KeepAliveTime sets one option that is a time. See KeepAlive.
func KeepAliveTime(name int, d time.Duration, set Setter) error {
	switch {
	case d < 0 || name == 0: // OpenBSD has one interval for the whole system
		return nil
	case d == 0:
		d = keepAlive
	}
	secs := int64(d / time.Second)
	if d%time.Second > 0 {
		secs++
	}
	return set(kernel.IPPROTO_TCP, name, int(secs), "keep-alive time")
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
