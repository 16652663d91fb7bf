package netconn

import (
	"context"
	"net"
	"net/http/httptrace"
	"net/netip"
	"reflect"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// A Dialer has the options of a dial. Its fields are Net and the fields of net.Dialer, which have
// the same meaning. If Net is nil, any goroutine may call the methods. Otherwise only code on the
// loop of Net may.
//
// If a host has several addresses, IPv6 and IPv4 addresses are tried in turn. If one address has
// not answered for FallbackDelay, the next one is tried as well (RFC 8305). In package net,
// FallbackDelay applies only between the two families.
//
// Multipath TCP is not supported.
type Dialer struct {
	// Net makes the connections: see On. With nil, the methods are for goroutines.
	Net *Net

	// Timeout is how long a dial may take, including the lookup. 0 means no timeout.
	Timeout time.Duration
	// Deadline is when a dial ends. If there is a Timeout too, the earlier of both counts. The zero
	// time means no deadline. On a simulated host it is a time of that host.
	Deadline time.Time
	// LocalAddr is the address to dial from. Its type must fit the network.
	LocalAddr net.Addr
	// FallbackDelay is how long the dial waits for one address before it tries the next one as well.
	// 0 means 300 ms. With a negative value, an address has to fail before the next one is tried.
	FallbackDelay time.Duration
	// KeepAlive is the time of silence before the first keep-alive probe. 0 means 15 s. With a
	// negative value there are no probes. KeepAlive has no effect if KeepAliveConfig is enabled.
	KeepAlive time.Duration
	// KeepAliveConfig is the configuration of keep-alive probes.
	KeepAliveConfig net.KeepAliveConfig
	// Resolver looks up names. nil means net.DefaultResolver, or on a simulated host the names of its
	// world.
	Resolver *net.Resolver
	// Control is called when the socket exists and before it is bound or connected. The argument
	// network names the family: tcp4, tcp6, udp4 or udp6.
	Control func(network, address string, c syscall.RawConn) error
	// ControlContext is Control with the context of the dial. If ControlContext is set, Control is not
	// called.
	ControlContext func(ctx context.Context, network, address string, c syscall.RawConn) error
	// Cancel ends the dial when it is closed.
	//
	// Deprecated: use DialContext.
	Cancel <-chan struct{}
	// DualStack has no effect.
	//
	// Deprecated: use FallbackDelay.
	DualStack bool
}

// Dial connects. See the package's Dial.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext is Dial that also ends when ctx does. It calls ConnectStart and ConnectDone of the
// httptrace.ClientTrace in ctx. In a callback of a loop it fails, because a callback cannot wait
// for a lookup or a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	c := d.dial(ctx, network)
	var list []netaddr.Endpoint
	a, err := findNetwork(network)
	if err == nil {
		c.net = a
		list, err = c.targets(ctx, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: mapContext(err)}
	}
	return c.run(ctx, list)
}

func (d *Dialer) dial(ctx context.Context, network string) *dial {
	return &dial{Dialer: d, n: d.made(), network: network, trace: httptrace.ContextClientTrace(ctx)}
}

// made returns the Dialer's Net, or the Net for goroutines if that is nil.
func (d *Dialer) made() *Net {
	if d.Net != nil {
		return d.Net
	}
	return parked
}

func mustHave(ctx context.Context) {
	if ctx == nil {
		panic("netconn: the context is nil: pass context.Background()")
	}
}

// limit returns ctx with the limits of the Dialer.
func (d *Dialer) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	mustHave(ctx)
	n := d.made()
	end, limited := ctx.Deadline()
	sooner := func(t time.Time) {
		if !limited || t.Before(end) {
			end, limited = t, true
		}
	}
	if d.Timeout != 0 {
		sooner(n.Time().Add(d.Timeout))
	}
	if !d.Deadline.IsZero() {
		sooner(d.Deadline)
	}
	cancel := func() {}
	if _, simulated := n.k.(kernel.Dated); simulated && limited {
		ctx = &dated{ctx, n.k, end}
	} else if at, _ := ctx.Deadline(); limited && !at.Equal(end) {
		ctx, cancel = context.WithDeadline(ctx, end)
	}
	if d.Cancel == nil {
		return ctx, cancel
	}
	ctx, stop := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.Cancel:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { stop(); cancel() }
}

// targets returns the addresses to try.
func (c *dial) targets(ctx context.Context, address string) ([]netaddr.Endpoint, error) {
	if address == "" {
		return nil, errMissingAddress
	}
	k := c.n.k
	if c.Resolver != nil {
		k = kernel.WithResolver(k, c.Resolver)
	}
	q, err := c.n.resolve(c.untraced(ctx), k, c.net, address, false)
	if err != nil {
		return nil, err
	}
	list, err := q.Targets(c.n.k)
	if err != nil || c.LocalAddr == nil {
		return list, err
	}
	return forLocal(c.net, c.LocalAddr, list)
}

// untraced returns the context for a lookup: ctx with the hooks for DNS and without the hooks for
// connects. Otherwise a trace would also report the lookup's connects to a name server.
func (c *dial) untraced(ctx context.Context) context.Context {
	if c.trace == nil {
		return ctx
	}
	return httptrace.WithClientTrace(traceless{ctx}, &httptrace.ClientTrace{DNSStart: c.trace.DNSStart, DNSDone: c.trace.DNSDone})
}

// traceless is a context without the values of a ClientTrace.
type traceless struct{ context.Context }

func (t traceless) Value(key any) any {
	if k := reflect.TypeOf(key); k != nil {
		switch k.PkgPath() + "." + k.Name() {
		case "net/http/httptrace.clientEventContextKey", "internal/nettrace.TraceKey":
			return nil
		}
	}
	return t.Context.Value(key)
}

// DialTCP connects from laddr to raddr. If laddr is the zero AddrPort, the system chooses the local
// address.
func (d *Dialer) DialTCP(ctx context.Context, network string, laddr, raddr netip.AddrPort) (*TCPConn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	return d.dialTCP(ctx, network, net.TCPAddrFromAddrPort(laddr), net.TCPAddrFromAddrPort(raddr))
}

// DialUDP makes a socket at laddr with the peer raddr. If laddr is the zero AddrPort, the system
// chooses the local address.
func (d *Dialer) DialUDP(ctx context.Context, network string, laddr, raddr netip.AddrPort) (*UDPConn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	return d.dialUDP(ctx, network, net.UDPAddrFromAddrPort(laddr), net.UDPAddrFromAddrPort(raddr))
}

// DialUnix makes a Unix socket at laddr with the peer raddr. Either may be nil.
func (d *Dialer) DialUnix(ctx context.Context, network string, laddr, raddr *net.UnixAddr) (*UnixConn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	return d.dialUnix(ctx, network, laddr, raddr)
}
