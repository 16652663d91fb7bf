package reactor

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/ureactor/ureactor/internal/netaddr"
)

func findNetwork(name string, stream bool) (netaddr.Network, error) {
	n, known := netaddr.Find(name)
	if !known || n.Stream() != stream || n.Messages() {
		list := strings.Join(netaddr.Names(stream), ", ")
		return netaddr.Network{}, fmt.Errorf("unknown network %q: must be one of %s", name, list)
	}
	return n, nil
}

// explained replaces the text of an error of package net by one that says more.
func explained(n netaddr.Network, err error) error {
	var e *net.AddrError
	switch {
	case !errors.As(err, &e):
	case e.Err == netaddr.NoneForNetwork:
		return fmt.Errorf("address %s is not for %s", e.Addr, n.Name)
	case e.Err == netaddr.InvalidPort:
		return fmt.Errorf("port %s: must be 0 … 65535", e.Addr)
	}
	return err
}

// binding returns the address to listen on. It may look up host names, and so may block.
func binding(k Kernel, n netaddr.Network, addr string) (netaddr.Binding, error) {
	b, err := netaddr.Listen(k, n, addr)
	return b, explained(n, err)
}

// netAddr converts an address to a type of package net.
func (r *Reactor) netAddr(a Addr, dgram bool) net.Addr { return netaddr.NetAddr(r.k, a, dgram) }
