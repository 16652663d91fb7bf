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

// Listen listens for stream connections. network is tcp, tcp4, tcp6 or unix. address is as for
// net.Listen. The result is a *Listener, which accepts *Conns. For unix it is a *UnixListener,
// which accepts *UnixConns.
func Listen(network, address string) (net.Listener, error) { return parked.Listen(network, address) }

// Dial connects. With tcp the result is a *Conn, with udp a *PacketConn, and with a Unix network a
// *UnixConn. Dialer describes the dial to a host with several addresses.
func Dial(network, address string) (net.Conn, error) { return parked.Dial(network, address) }

// DialTimeout is Dial with a timeout for the lookup and the connect together. 0 means no timeout.
func DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	return parked.DialTimeout(network, address, d)
}

// DialContext is Dial that also ends when ctx does.
func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return parked.DialContext(ctx, network, address)
}

// ListenPacket receives datagrams. network is udp, udp4, udp6 or unixgram. The result is a
// *PacketConn, or for unixgram a *UnixConn.
func ListenPacket(network, address string) (net.PacketConn, error) {
	return parked.ListenPacket(network, address)
}

// A Net makes connections that belong to one reactor: see On. The Net of a simnet.Host makes
// connections of a simulated host, for goroutines.
type Net struct {
	k kernel.Kernel
	w desc.Waiter
	r *reactor.Reactor // nil if the callers are goroutines, which park
}

var parked = &Net{k: kernel.Host, w: desc.Parked}

// On returns a Net whose connections belong to the loop of r. A call that waits suspends its Task.
// Only code on the loop may use the connections. This also holds for calls that set deadlines.
func On(r *reactor.Reactor) *Net {
	if r == nil {
		panic("netconn: On a nil Reactor: without a loop, use the functions of package netconn")
	}
	return &Net{k: r.Kernel(), w: inside.Waiter(r), r: r}
}

// Time returns the current time of the clock that deadlines are compared with: time.Now, or the
// date of the simulated host. SetDeadline(n.Time().Add(d)) means d from now on every host, and so
// does context.WithDeadline with such a time. A simulated run can then be repeated.
func (n *Net) Time() time.Time { return kernel.Time(n.k) }

// Listen does what the package's Listen does, with the connections of n. In a callback, the lookup
// of a host name blocks the loop.
func (n *Net) Listen(network, address string) (net.Listener, error) {
	return (&ListenConfig{Net: n}).Listen(context.Background(), network, address)
}

// Dial does what the package's Dial does, with the connections of n.
func (n *Net) Dial(network, address string) (net.Conn, error) {
	return (&Dialer{Net: n}).Dial(network, address)
}

// DialTimeout does what the package's DialTimeout does, with the connections of n.
func (n *Net) DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	return (&Dialer{Net: n, Timeout: d}).Dial(network, address)
}

// DialContext does what the package's DialContext does, with the connections of n.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&Dialer{Net: n}).DialContext(ctx, network, address)
}

// ListenPacket does what the package's ListenPacket does, with the connections of n.
func (n *Net) ListenPacket(network, address string) (net.PacketConn, error) {
	return (&ListenConfig{Net: n}).ListenPacket(context.Background(), network, address)
}

func (n *Net) socket(family, typ int) (*socket.Socket, error) {
	if n.r != nil {
		return socket.NewOn(n.r, family, typ, 0)
	}
	s, err := inside.Socket(n.k, n.w, family, typ, 0)
	if err != nil {
		return nil, err
	}
	return s.(*socket.Socket), nil
}

func init() {
	inside.Net = func(k kernel.Kernel, w desc.Waiter) any { return &Net{k: k, w: w} }
}

// New makes a net.Conn from a connected socket: a *Conn, a *PacketConn or a *UnixConn. From then on
// the socket belongs to the result, and its Timeout has no effect.
func New(s *socket.Socket) net.Conn {
	mustExist(s)
	if s.Type() == socket.SOCK_RAW {
		panic("netconn: New of a raw socket, which is no stream and no UDP; use the Socket")
	}
	c, b := newConn(s)
	b.adopt(s)
	if g := gramOf(c); g != nil {
		g.connected = b.remote != nil
		g.askLocal()
	}
	return c
}

// newConn makes the object of a connection. The object does not use the socket yet.
func newConn(s *socket.Socket) (net.Conn, *base) {
	switch {
	case s.Family() == socket.AF_UNIX:
		c := &UnixConn{}
		return c, &c.base
	case s.Type() == socket.SOCK_STREAM:
		c := &Conn{}
		return c, &c.base
	}
	c := &PacketConn{}
	return c, &c.base
}

// made returns the connection of a socket that is connected to the address `at`. The kernel may not
// return the peer's address, because the peer has reset or because its port is 0. Then RemoteAddr
// returns `at`.
func (n *Net) made(s *socket.Socket, network string, at kernel.Addr) net.Conn {
	c, b := newConn(s)
	if b.open(s, network); b.remote == nil {
		b.remote = netAddr(n.k, network, at)
	}
	if g := gramOf(c); g != nil {
		g.connected = true
	}
	return c
}

// gramOf returns the gram of a connection, or nil for a TCP connection.
func gramOf(c net.Conn) *gram {
	switch c := c.(type) {
	case *PacketConn:
		return &c.gram
	case *UnixConn:
		return &c.gram
	}
	return nil
}

// NewListener makes a net.Listener from a listening socket: a *Listener or a *UnixListener. From
// then on the socket belongs to the result.
func NewListener(s *socket.Socket) net.Listener {
	mustExist(s)
	if s.Family() == socket.AF_UNIX {
		l := &UnixListener{}
		l.b.adopt(s)
		return l
	}
	l := &Listener{options: acceptOptions(s, net.KeepAliveConfig{})}
	l.b.adopt(s)
	return l
}

func mustExist(s *socket.Socket) {
	if s == nil {
		panic("netconn: a nil Socket: pass one that is connected, bound, or listens")
	}
}
