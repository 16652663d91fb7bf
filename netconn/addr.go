package netconn

import (
	"context"
	"errors"
	"net"

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

// errMissingAddress is the error of a dial to "".
var errMissingAddress = errors.New("missing address")

// resolve parses an address and looks up its names, with the lookups of kernel k. In a callback of
// a loop it cannot wait for a lookup. There it returns EDEADLK, or with mayBlock it blocks the
// loop.
func (n *Net) resolve(ctx context.Context, k kernel.Kernel, a netaddr.Network, address string, mayBlock bool) (*netaddr.Query, error) {
	q, err := a.Parse(address)
	if err != nil {
		return nil, err
	}
	q.AnyZone = true
	if q.Asks() {
		err = n.await(ctx, mayBlock, func(ctx context.Context) error { return q.Ask(ctx, k) })
	}
	return q, err
}

// await runs f, which may block. If a task calls await, f runs on a goroutine while the task waits,
// as with Task.Await. If a goroutine calls await, await just calls f.
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
	defer cancel() // deferred, because the task may be unwound
	var err error
	done := false
	n.k.Go(func() {
		result := f(ctx)
		n.w.Post(func() {
			done, err = true, result
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

// netAddr converts an address to the type of package net.
func netAddr(k kernel.Kernel, network string, a kernel.Addr) net.Addr {
	n, _ := netaddr.Find(network)
	if n.Unix() {
		a.Family = kernel.AF_UNIX // some systems report no family for an unnamed socket
	}
	at := netaddr.NetAddr(k, a, !n.Stream())
	if u, ok := at.(*net.UnixAddr); ok {
		u.Net = network
	}
	return at
}

// netAddr converts an address to the type of package net.
func (b *base) netAddr(a socket.Addr) net.Addr { return netAddr(b.d.Kernel, b.net, kernelAddr(a)) }

// kernelAddr converts an address of package socket to the kernel's type.
func kernelAddr(a socket.Addr) kernel.Addr {
	if a.Family() == socket.AF_UNIX {
		return kernel.Unix(a.Host())
	}
	k := kernel.Inet(a.AddrPort())
	return k
}

// socketAddr is the reverse of kernelAddr.
func socketAddr(a kernel.Addr) socket.Addr {
	if a.Family == kernel.AF_UNIX {
		return socket.Path(a.Path)
	}
	return socket.AddrOf(a.AddrPort())
}
