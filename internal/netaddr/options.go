package netaddr

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Setter sets a socket option. `what` is the option's name for the error.
type Setter func(level, name, value int, what string) error

// A Getter returns the value of a socket option.
type Getter func(level, name int) (int, error)

// A Try sets a socket option that is not necessary. A system or a sandbox may refuse it with any
// Errno. If the descriptor itself is broken, the next call returns the error.
type Try func(level, name, value int)

// Trying returns a Try that uses set and ignores its error.
func Trying(set Setter) Try {
	return func(level, name, value int) { _ = set(level, name, value, "") }
}

// GramMax is the longest datagram of a Unix socket that this module sends or receives, in bytes.
const GramMax = 4 << 20

// Birth sets the options that package net sets on every socket of the network before it is bound or
// connected. They set V6ONLY as the network needs, and permit broadcasts over UDP. A Unix socket
// can send no datagram that is longer than its send buffer. So Birth makes that buffer as large as
// the system permits, up to GramMax.
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
// listener can bind a port that has connections in TIME_WAIT, and several sockets can share the
// port of a multicast group. It ignores errors, except for V6ONLY if the system's default differs
// and the option decides which addresses the socket receives from.
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

// Fallback returns the binding for a host without IPv6. e is the error of the first attempt. ok is
// false if e has another reason, or if there is no such binding.
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

// KeepAliveOf returns the configuration that package net makes of a Dialer's or ListenConfig's
// fields.
func KeepAliveOf(idle time.Duration, c net.KeepAliveConfig) net.KeepAliveConfig {
	if !c.Enable && idle >= 0 {
		return net.KeepAliveConfig{Enable: true, Idle: idle}
	}
	return c
}

// KeepAlive turns TCP's keep-alive probes on or off. As with package net, a time or count of 0
// means net's default, and a negative one is not set. Times are rounded up to whole seconds. An
// option that the system lacks is not set.
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

// KeepAliveTime sets the option of a time. See KeepAlive.
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
