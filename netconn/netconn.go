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

// Listen listens for stream connections. network is tcp, tcp4, tcp6 or unix, and address is that of
// net.Listen. The result is a *Listener, which accepts *Conns.
func Listen(network, address string) (net.Listener, error) { return parked.Listen(network, address) }

// Dial connects. With a network of Listen the result is a *Conn, with one of ListenPacket a
// *PacketConn. Dial tries a host's addresses in order, not at the same time.
func Dial(network, address string) (net.Conn, error) { return parked.Dial(network, address) }

// DialTimeout is Dial with a timeout for the lookup and the connection together. 0 means no
// timeout.
func DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	return parked.DialTimeout(network, address, d)
}

// DialContext is Dial that ends when ctx does.
func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return parked.DialContext(ctx, network, address)
}

// ListenPacket receives datagrams. network is udp, udp4, udp6 or unixgram. The result is a
// *PacketConn.
func ListenPacket(network, address string) (net.PacketConn, error) {
	return parked.ListenPacket(network, address)
}

// A Net makes connections that belong to one reactor: see On.
type Net struct {
	k kernel.Kernel
	w desc.Waiter
	r *reactor.Reactor // nil: the callers are goroutines, which park
}

var parked = &Net{k: kernel.Host, w: desc.Parked}

// On returns a Net whose connections belong to the loop of r. Their calls suspend the calling Task.
// Only the loop may use them, also to set deadlines.
func On(r *reactor.Reactor) *Net { return &Net{k: r.Kernel(), w: inside.Waiter(r), r: r} }

// Time returns the time that deadlines are compared with: time.Now, or the simulated host's date.
// Use it for SetDeadline(n.Time().Add(d)), and with context.WithDeadline for DialContext: both then
// mean d from now on every host, and a simulated run can be repeated.
func (n *Net) Time() time.Time { return kernel.Time(n.k) }

// Listen does what the package's Listen does, with the connections of n. In a callback, the lookup
// of a host's name blocks the loop.
func (n *Net) Listen(network, address string) (net.Listener, error) {
	l, err := n.listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Dial does what the package's Dial does, with the connections of n.
func (n *Net) Dial(network, address string) (net.Conn, error) {
	return n.DialContext(context.Background(), network, address)
}

// DialTimeout does what the package's DialTimeout does, with the connections of n.
func (n *Net) DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	if d == 0 {
		return n.Dial(network, address)
	}
	if _, simulated := n.k.(kernel.Dated); simulated {
		return n.DialContext(&dated{context.Background(), n.k, n.Time().Add(d)}, network, address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return n.DialContext(ctx, network, address)
}

// ListenPacket does what the package's ListenPacket does, with the connections of n.
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

// New makes a net.Conn of a connected socket: a *Conn of a stream, a *PacketConn of a datagram
// socket. The socket belongs to the result, and its Timeout no longer has an effect.
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

// NewListener makes a net.Listener of a listening socket. The socket belongs to the result.
func NewListener(s *socket.Socket) net.Listener {
	l := &Listener{}
	l.b.adopt(s)
	return l
}
