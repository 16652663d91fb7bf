package reactor

import (
	"errors"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// bind returns the sockets for an address. It uses the sockets that were passed for the address. If
// the loops share the address, it makes more sockets, up to the number of loops.
func (g *Group) bind(n netaddr.Network, b netaddr.Binding, o *sockOptions) ([]inheritedSocket, error) {
	control := func(int) error { return nil }
	if o.control != nil {
		control = o.control
	}
	socks, err := o.passedFor(g.k, n, b)
	if err != nil {
		return nil, err
	}
	switch {
	case len(socks) == 0 && !o.groupShared:
		fd, err := bindSocket(g.k, n, b, o, control)
		return []inheritedSocket{{fd: fd, file: netaddr.FileOf(g.k, b.Addr)}}, err
	case len(socks) > 1 && o.maxConns > 0:
		closeInherited(g.k, socks)
		return nil, errors.New("WithMaxConns needs one socket, and several were passed")
	case len(socks) > 0:
		b.Addr, b.Dual = socks[0].addr, b.Dual && len(socks) == 1 && socks[0].addr.Family == kernel.AF_INET6
		// No other socket can be bound to this address. So the loop that has the socket must pass
		// connections to the other loops.
		if o.groupShared && !g.shares(socks[0].fd) {
			o.groupShared, o.balance = false, RoundRobin
		}
	case !o.reusePort && b.Addr.Port != 0:
		if err := g.alone(n, b, o, control); err != nil {
			return nil, err
		}
	}
	for o.groupShared && len(socks) < len(g.loops) {
		fd, err := bindSocket(g.k, n, b, o, control)
		if err != nil && o.chosen && len(socks) == 0 { // a sandbox may have refused SO_REUSEPORT
			o.groupShared, o.balance = false, RoundRobin
			return g.bind(n, b, o)
		}
		if err != nil {
			closeInherited(g.k, socks)
			return nil, err
		}
		socks = append(socks, inheritedSocket{fd: fd})
		if at, e := g.k.LocalAddr(fd); e == 0 && b.Addr.Port == 0 {
			b.Addr.Port = at.Port
		}
	}
	return socks, nil
}

// alone checks that no other socket is bound to the address. Without this check, a second server of
// the same user could bind the address by mistake, and would get a part of the connections.
func (g *Group) alone(n netaddr.Network, b netaddr.Binding, o *sockOptions, control func(int) error) error {
	alone := *o
	alone.groupShared = false
	fd, err := bindSocket(g.k, n, b, &alone, control)
	if err == nil {
		g.k.Close(fd)
	}
	return err
}

// shares returns whether other sockets can be bound to the address of this one.
func (g *Group) shares(fd int) bool {
	v, e := g.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_BALANCE)
	return e == 0 && v != 0
}
