package netconn

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func findNetwork(name string) (netaddr.Network, error) {
	a, known := netaddr.Find(name)
	if !known {
		return a, net.UnknownNetworkError(name)
	}
	return a, nil
}

// errMissingAddress is a dial to "".
var errMissingAddress = errors.New("missing address")

// guess is the address for an error's text where nothing has been resolved.
func guess(a netaddr.Network, address string) net.Addr {
	if a.Type != 0 && a.Unix() {
		return &net.UnixAddr{Name: address, Net: a.Name}
	}
	if ap, err := netip.ParseAddrPort(address); err == nil && a.Type != 0 {
		return netAddr(kernel.Host, a.Name, kernel.Inet(ap))
	}
	return nil
}

// resolve reads an address and asks for what is a name. With mayBlock it looks the name up at once
// where there is no task, instead of returning EDEADLK.
func (n *Net) resolve(ctx context.Context, a netaddr.Network, address string, mayBlock bool) (*netaddr.Query, error) {
	q, err := a.Parse(address)
	if err != nil {
		return nil, err
	}
	q.AnyZone = true
	if q.Asks() {
		err = n.await(ctx, mayBlock, func(ctx context.Context) error { return q.Ask(ctx, n.k) })
	}
	return q, err
}

// await runs f, which may block, for a caller who must not block the loop: as Task.Await does.
// Parked ones just call it.
func (n *Net) await(ctx context.Context, mayBlock bool, f func(context.Context) error) error {
	if n.r == nil {
		return f(ctx)
	}
	task, e := n.w.Sleeper()
	if e == kernel.EDEADLK && mayBlock {
		return f(ctx)
	}
	if e != 0 {
		return &socket.OSError{Errno: int(e), Op: "lookup"}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the task may be unwound
	var err error
	done := false
	n.k.Go(func() {
		failed := f(ctx)
		n.w.Post(func() {
			done, err = true, failed
			task.Wake()
		})
	})
	for !done {
		if e := task.Sleep(desc.In, timeout.Never); e != 0 {
			return e
		}
	}
	return err
}

// binding is where to listen.
func (n *Net) binding(ctx context.Context, a netaddr.Network, address string) (netaddr.Binding, error) {
	if address == "" && !a.Unix() { // as package net has it
		address = ":0"
	}
	q, err := n.resolve(ctx, a, address, true)
	if err != nil {
		return netaddr.Binding{}, err
	}
	return q.Binding(n.k)
}

// netAddr is the address as package net gives it.
func netAddr(k kernel.Kernel, network string, a kernel.Addr) net.Addr {
	n, _ := netaddr.Find(network)
	packets := network == unixPacket // which is not dialled: New makes it
	if n.Unix() || packets {
		a.Family = kernel.AF_UNIX // some systems tell of an unnamed one without
	}
	at := netaddr.NetAddr(k, a, !n.Stream())
	if u, ok := at.(*net.UnixAddr); ok && packets {
		u.Net = network
	}
	return at
}

// netAddr is the address as package net gives it.
func (b *base) netAddr(a socket.Addr) net.Addr { return netAddr(b.d.Kernel, b.net, kernelAddr(a)) }

// plain is an address of package socket as the kernel has it.
func kernelAddr(a socket.Addr) kernel.Addr {
	if a.Family() == socket.AF_UNIX {
		return kernel.Unix(a.Host())
	}
	k := kernel.Inet(a.AddrPort())
	return k
}

// dressed is the reverse.
func socketAddr(a kernel.Addr) socket.Addr {
	if a.Family == kernel.AF_UNIX {
		return socket.Path(a.Path)
	}
	return socket.AddrOf(a.AddrPort())
}
