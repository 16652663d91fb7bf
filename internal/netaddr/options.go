package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Setter sets a socket option; what names it in the error.
type Setter func(level, name, value int, what string) error

// Birth sets what package net sets on every socket of the network before it is bound or connected. Without it the
// system's own choice of V6ONLY counts, and UDP may not broadcast.
func (n Network) Birth(family int, set Setter) error {
	if family == kernel.AF_INET6 {
		only := n.IP == "ip6" || !kernel.MapsIPv4
		if err := set(kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, btoi(only), "IPV6_V6ONLY"); err != nil {
			return err
		}
	}
	if n.UDP() {
		return set(kernel.SOL_SOCKET, kernel.SO_BROADCAST, 1, "SO_BROADCAST")
	}
	return nil
}

// Options sets what package net sets on a socket that is to be bound. SO_REUSEADDR keeps a listener from being refused
// its port by connections that linger in TIME_WAIT; with multicast it lets others have the port too.
func (b Binding) Options(n Network, set Setter) error {
	if err := n.Birth(b.Addr.Family, set); err != nil {
		return err
	}
	if n.Stream() || b.Group {
		if err := set(kernel.SOL_SOCKET, kernel.SO_REUSEADDR, 1, "SO_REUSEADDR"); err != nil {
			return err
		}
	}
	if b.Group && kernel.GroupsSharePort {
		return set(kernel.SOL_SOCKET, kernel.SO_REUSEPORT, 1, "SO_REUSEPORT")
	}
	return nil
}

// Fallback is the binding on a host without IPv6; ok is false if there is none.
func (b Binding) Fallback(e kernel.Errno) (_ Binding, ok bool) {
	if e != kernel.EAFNOSUPPORT || !b.Dual {
		return b, false
	}
	return Binding{Addr: kernel.Addr{Family: kernel.AF_INET, Port: b.Addr.Port}}, true
}

// KeepAlive turns TCP's probing on with the interval, in whole seconds, where the system has one; 0 turns it off.
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
