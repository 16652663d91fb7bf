package kernel

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

type host struct{}

func (*host) Go(f func()) { go f() }

func (k *host) Lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	addrs, err := lookup(ctx, net.DefaultResolver, network, name)
	return addrs, k.lacking(err)
}

func lookup(ctx context.Context, r *net.Resolver, network, name string) ([]netip.Addr, error) {
	addrs, err := r.LookupNetIP(ctx, network, name)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

// lacking corrects a resolver's error. If the process has no free descriptor, the resolver can open
// neither its files nor a socket. Then its error says wrongly that the host does not exist.
func (k *host) lacking(err error) error {
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		return err
	}
	fd, e := k.Socket(AF_UNIX, SOCK_DGRAM, 0)
	switch e {
	case 0:
		k.Close(fd)
	case EMFILE, ENFILE:
		return &net.DNSError{UnwrapErr: e, Err: e.Error(), Name: dns.Name, Server: dns.Server, IsTemporary: true}
	}
	return err
}

func (*host) LookupPort(ctx context.Context, network, service string) (int, error) {
	return net.DefaultResolver.LookupPort(ctx, network, service)
}

// WithResolver returns a Kernel that looks names up with r and is otherwise k.
func WithResolver(k Kernel, r *net.Resolver) Kernel { return &resolving{k, r} }

type resolving struct {
	Kernel
	r *net.Resolver
}

func (k *resolving) Lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	return lookup(ctx, k.r, network, name)
}

func (k *resolving) LookupPort(ctx context.Context, network, service string) (int, error) {
	return k.r.LookupPort(ctx, network, service)
}

func (*host) Interface(name string) (int, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	return i.Index, nil
}
