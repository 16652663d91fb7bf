package simnet

import (
	"context"
	"net/netip"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/netconn"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// A Host is one machine for goroutines. Its methods Listen, ListenPacket, Dial, DialContext and
// DialTimeout do what the functions of package net with these names do. If you need the options of
// net.Dialer or net.ListenConfig, use netconn.Dialer or netconn.ListenConfig with the field Net set
// to Host.Net.
//
// After a Crash every call on the host's sockets fails with EBADF or net.ErrClosed, even after
// Restart. After Restart new sockets can be made. Go cannot end the goroutines of a crashed
// program. These goroutines must end when they get such an error, or when Up returns false.
type Host struct {
	*netconn.Net
	h *sim.Host
	k kernel.Kernel
	w *desc.Parker
	n *Net
}

func (n *Net) on(h *sim.Host) *Host {
	k := n.live.Kernel(h)
	w := desc.NewParker(k)
	return &Host{Net: inside.Net(k, w).(*netconn.Net), h: h, k: k, w: w, n: n}
}

// Sim returns the sim.Host, for use in Net.Do.
func (h *Host) Sim() *sim.Host { return h.h }

// String returns the first address of the host.
func (h *Host) String() string { return h.h.Name() }

// Kernel returns the host's Kernel for goroutines. Pass it to reactor.WithKernel for a reactor that
// runs on a goroutine of the bubble.
func (h *Host) Kernel() kernel.Kernel { return h.k }

// Up returns whether the host runs. It returns false after a Crash, until Restart.
func (h *Host) Up() (up bool) {
	h.n.Do(func(*sim.World) { up = h.h.Up() })
	return up
}

// LookupNetIP does what the method of net.Resolver does, with the names of World.Name. network is
// ip, ip4 or ip6. Dial itself looks up names.
func (h *Host) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return h.k.Lookup(ctx, network, host)
}

// Socket makes a socket as socket.New does. Its calls park the goroutine.
func (h *Host) Socket(family, typ, proto int) (*socket.Socket, error) {
	s, err := inside.Socket(h.k, h.w, family, typ, proto)
	if err != nil {
		return nil, err
	}
	return s.(*socket.Socket), nil
}

// Poll makes a Poll as sel.New does, for sockets and connections of this host.
func (h *Host) Poll() *sel.Poll { return inside.Poll(h.k, h.w).(*sel.Poll) }
