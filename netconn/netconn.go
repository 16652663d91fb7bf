package netconn

import (
	"context"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// Listen accepts streams: network is tcp, tcp4, tcp6 or unix, address as for net.Listen. The
// Listener is a *Listener, what it accepts are *Conns.
func Listen(network, address string) (net.Listener, error) { return parked.Listen(network, address) }

// Dial connects: network is one of Listen's (the result is a *Conn) or ListenPacket's (a
// *PacketConn). A host's addresses are tried in order, not at the same time.
func Dial(network, address string) (net.Conn, error) { return parked.Dial(network, address) }

// DialTimeout is Dial that gives up after d, lookup included; 0 is never.
func DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	return parked.DialTimeout(network, address, d)
}

// DialContext is Dial that gives up when ctx ends.
func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return parked.DialContext(ctx, network, address)
}

// ListenPacket receives datagrams: network is udp, udp4, udp6 or unixgram. The result is a
// *PacketConn.
func ListenPacket(network, address string) (net.PacketConn, error) {
	return parked.ListenPacket(network, address)
}

// A Net makes connections of one kind: see On.
type Net struct {
	k kernel.Kernel
	w desc.Waiter
	r *reactor.Reactor // nil: parked
}

var parked = &Net{k: kernel.Host, w: desc.Parked}

// On makes connections that belong to the loop of r and suspend the Task that calls. Only the loop
// may use them, the deadlines too.
func On(r *reactor.Reactor) *Net { return &Net{k: r.Kernel(), w: inside.Waiter(r), r: r} }

// Time is what deadlines are made of: time.Now, and on a simulated host the date there. So
// SetDeadline(n.Time().Add(d)), and context.WithDeadline for DialContext, are d from now on both,
// and a simulated history has them again.
func (n *Net) Time() time.Time { return kernel.Time(n.k) }

// Listen is the package's Listen. Outside of a task a host's name is looked up at once, which
// blocks.
func (n *Net) Listen(network, address string) (net.Listener, error) {
	l, err := n.listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Dial is the package's Dial.
func (n *Net) Dial(network, address string) (net.Conn, error) {
	return n.DialContext(context.Background(), network, address)
}

// DialTimeout is the package's DialTimeout.
func (n *Net) DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	if d == 0 {
		return n.Dial(network, address)
	}
	if _, own := n.k.(kernel.Dated); own {
		return n.DialContext(&dated{context.Background(), n.k, n.Time().Add(d)}, network, address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return n.DialContext(ctx, network, address)
}

// ListenPacket is the package's ListenPacket.
func (n *Net) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := n.listenPacket(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (n *Net) socket(family, typ int) (*socket.Socket, error) {
	if n.r != nil {
		return socket.NewOn(n.r, family, typ, 0)
	}
	return socket.New(family, typ, 0)
}

// New makes a net.Conn of a connected socket, which is the Conn's from now on: a *Conn of a stream,
// a *PacketConn of a datagram socket. The socket's Timeout no longer counts.
func New(s *socket.Socket) net.Conn {
	if s.Type() == socket.SOCK_DGRAM {
		c := &PacketConn{}
		c.adopt(s)
		c.connected = c.remote != nil
		c.askLocal()
		return c
	}
	c := &Conn{}
	c.adopt(s)
	return c
}

// NewListener makes a net.Listener of a listening socket, which is the Listener's from now on.
func NewListener(s *socket.Socket) net.Listener {
	l := &Listener{}
	l.b.adopt(s)
	return l
}
