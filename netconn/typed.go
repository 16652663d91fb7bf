package netconn

import (
	"context"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// DialTCP connects from laddr to raddr. If laddr is nil, the system chooses the local address. An
// unspecified raddr means this machine. network is tcp, tcp4 or tcp6.
func DialTCP(network string, laddr, raddr *net.TCPAddr) (*TCPConn, error) {
	return (&Dialer{}).dialTCP(context.Background(), network, laddr, raddr)
}

// DialUDP makes a socket at laddr with the peer raddr. If laddr is nil, the system chooses the
// local address. network is udp, udp4 or udp6.
func DialUDP(network string, laddr, raddr *net.UDPAddr) (*UDPConn, error) {
	return (&Dialer{}).dialUDP(context.Background(), network, laddr, raddr)
}

// DialUnix makes a Unix socket at laddr with the peer raddr. If laddr is nil, the socket has no
// name. network is unix or unixgram. With unixgram, raddr may be nil.
func DialUnix(network string, laddr, raddr *net.UnixAddr) (*UnixConn, error) {
	return (&Dialer{}).dialUnix(context.Background(), network, laddr, raddr)
}

func (d *Dialer) dialTCP(ctx context.Context, network string, laddr, raddr *net.TCPAddr) (*TCPConn, error) {
	c, err := d.between(ctx, network, netaddr.Network.TCP, laddr, raddr)
	tcp, _ := c.(*TCPConn)
	return tcp, err
}

func (d *Dialer) dialUDP(ctx context.Context, network string, laddr, raddr *net.UDPAddr) (*UDPConn, error) {
	c, err := d.between(ctx, network, netaddr.Network.UDP, laddr, raddr)
	udp, _ := c.(*UDPConn)
	return udp, err
}

func (d *Dialer) dialUnix(ctx context.Context, network string, laddr, raddr *net.UnixAddr) (*UnixConn, error) {
	c, err := d.between(ctx, network, netaddr.Network.Unix, laddr, raddr)
	unix, _ := c.(*UnixConn)
	return unix, err
}

// between connects one address with another. No lookup is needed.
func (d *Dialer) between(ctx context.Context, network string, fits func(netaddr.Network) bool, laddr, raddr net.Addr) (net.Conn, error) {
	own := *d
	own.LocalAddr = given(laddr)
	c := own.dial(ctx, network)
	conn, err := c.between(ctx, fits, raddr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Source: given(laddr), Addr: given(raddr), Err: mapContext(err)}
	}
	return conn, nil
}

func (c *dial) between(ctx context.Context, fits func(netaddr.Network) bool, raddr net.Addr) (net.Conn, error) {
	var err error
	if c.net, err = fitting(c.network, fits); err != nil {
		return nil, err
	}
	to, err := c.n.endpoint(c.net, raddr, c.LocalAddr, "connect")
	switch {
	case err != nil:
		return nil, err
	case c.net.Unix() && to.Addr.Path == "" && (c.net.Stream() || pathOf(c.LocalAddr) == ""), !c.net.Unix() && missing(raddr):
		return nil, errMissingAddress
	}
	left, limited := c.n.left(ctx)
	if !limited {
		left = 0
	}
	s, err := c.reach(ctx, to.Here(), left, func(*desc.Desc) bool { return true })
	if err != nil {
		return nil, err
	}
	conn := c.n.made(s, c.network, to.Addr)
	if u, ok := conn.(*UnixConn); ok {
		if u.connected = to.Addr.Path != ""; !u.connected {
			u.remote = nil
		}
		u.file = fileOf(s)
	}
	return conn, nil
}

// fitting returns the network with that name, if fits accepts it.
func fitting(network string, fits func(netaddr.Network) bool) (netaddr.Network, error) {
	a, err := findNetwork(network)
	if err == nil && !fits(a) {
		err = net.UnknownNetworkError(network)
	}
	return a, err
}

// ListenTCP listens at laddr. If laddr is nil, it listens at the wildcard address and a free port.
// network is tcp, tcp4 or tcp6.
func ListenTCP(network string, laddr *net.TCPAddr) (*TCPListener, error) {
	l, err := listenAt(network, netaddr.Network.TCP, laddr, (*listen).listener)
	tcp, _ := l.(*TCPListener)
	return tcp, err
}

// ListenUnix listens at laddr. network is unix.
func ListenUnix(network string, laddr *net.UnixAddr) (*UnixListener, error) {
	stream := func(a netaddr.Network) bool { return a.Unix() && a.Stream() }
	l, err := listenAt(network, stream, laddr, (*listen).listener)
	unix, _ := l.(*UnixListener)
	return unix, err
}

// ListenUDP receives datagrams at laddr. If laddr is nil, it receives at the wildcard address and a
// free port. network is udp, udp4 or udp6.
func ListenUDP(network string, laddr *net.UDPAddr) (*UDPConn, error) {
	c, err := listenAt(network, netaddr.Network.UDP, laddr, (*listen).packets)
	udp, _ := c.(*UDPConn)
	return udp, err
}

// ListenUnixgram receives datagrams at laddr. network is unixgram.
func ListenUnixgram(network string, laddr *net.UnixAddr) (*UnixConn, error) {
	gram := func(a netaddr.Network) bool { return a.Unix() && !a.Stream() }
	c, err := listenAt(network, gram, laddr, (*listen).packets)
	unix, _ := c.(*UnixConn)
	return unix, err
}

// listenAt makes a socket at an address that needs no lookup.
func listenAt[T any](network string, fits func(netaddr.Network) bool, laddr net.Addr, make func(*listen) (T, error)) (made T, err error) {
	c := (&ListenConfig{}).listen(network)
	c.shown = given(laddr)
	if c.net, err = fitting(network, fits); err == nil && c.net.Unix() && missing(laddr) {
		err = errMissingAddress
	}
	if err == nil {
		if c.shown == nil {
			c.shown = netaddr.Endpoint{}.Net(c.net)
		}
		var e netaddr.Endpoint
		if e, err = c.n.endpoint(c.net, laddr, nil, "bind"); err == nil {
			c.at = c.net.At(e)
			made, err = make(c)
		}
	}
	if err != nil {
		err = c.failed(err)
	}
	return made, err
}

// ListenMulticastUDP receives the datagrams of a multicast group that arrive at the interface ifi.
// If ifi is nil, the system chooses the interface. Other programs may receive at the same port too.
// network is udp, udp4 or udp6. The socket does not receive the datagrams that it sends to the
// group itself.
func ListenMulticastUDP(network string, ifi *net.Interface, gaddr *net.UDPAddr) (*UDPConn, error) {
	_, err := fitting(network, netaddr.Network.UDP)
	if err == nil && (gaddr == nil || gaddr.IP == nil) {
		err = errMissingAddress
	}
	var c *UDPConn
	if err == nil {
		if c, err = ListenUDP(network, gaddr); err != nil {
			return nil, err
		}
		if err = c.join(ifi, gaddr.IP); err != nil {
			_ = c.Close()
		}
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: given(gaddr), Err: err}
	}
	return c, nil
}

// pathOf returns the path of a Unix address.
func pathOf(a net.Addr) string {
	if u, ok := a.(*net.UnixAddr); ok && u != nil {
		return u.Name
	}
	return ""
}
