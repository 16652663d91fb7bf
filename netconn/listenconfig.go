package netconn

import (
	"context"
	"net"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// A ListenConfig has the options of a listener. Its fields are Net and the fields of
// net.ListenConfig, which have the same meaning. Multipath TCP is not supported.
type ListenConfig struct {
	// Net makes the sockets: see On. With nil, the methods are for goroutines.
	Net *Net

	// Control is called when the socket exists and before it is bound. The argument network names the
	// family: tcp4, tcp6, udp4 or udp6.
	Control func(network, address string, c syscall.RawConn) error
	// KeepAlive is the time of silence before the first keep-alive probe of an accepted connection. 0
	// means 15 s. With a negative value there are no probes. KeepAlive has no effect if
	// KeepAliveConfig is enabled.
	KeepAlive time.Duration
	// KeepAliveConfig is the configuration of keep-alive probes.
	KeepAliveConfig net.KeepAliveConfig
}

// Listen listens for stream connections: see the package's Listen. ctx limits the lookup of a name.
func (lc *ListenConfig) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	c := lc.listen(network)
	err := c.find(ctx, address, kernel.SOCK_STREAM)
	var l net.Listener
	if err == nil {
		l, err = c.listener()
	}
	if err != nil {
		return nil, c.failed(err)
	}
	return l, nil
}

// ListenPacket receives datagrams: see the package's ListenPacket. ctx limits the lookup of a name.
func (lc *ListenConfig) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	c := lc.listen(network)
	err := c.find(ctx, address, kernel.SOCK_DGRAM)
	var p net.PacketConn
	if err == nil {
		p, err = c.packets()
	}
	if err != nil {
		return nil, c.failed(err)
	}
	return p, nil
}

// A listen is one call of a ListenConfig.
type listen struct {
	*ListenConfig
	n       *Net
	net     netaddr.Network
	network string
	at      netaddr.Binding
	shown   net.Addr // the address that an error shows, once it is known
}

func (lc *ListenConfig) listen(network string) *listen {
	c := &listen{ListenConfig: lc, n: parked, network: network}
	if lc.Net != nil {
		c.n = lc.Net
	}
	return c
}

func (c *listen) failed(err error) error {
	return &net.OpError{Op: "listen", Net: c.network, Addr: c.shown, Err: mapContext(err)}
}

// find looks up the address. If both the address and the type of the network are wrong, it returns
// the error of the address, as package net does.
func (c *listen) find(ctx context.Context, address string, typ int) (err error) {
	if c.net, err = findNetwork(c.network); err != nil {
		return err
	}
	given := address
	if address == "" && !c.net.Unix() { // as with package net
		address = ":0"
	}
	q, err := c.n.resolve(ctx, c.n.k, c.net, address, true)
	if err == nil {
		c.at, err = q.Binding(c.n.k)
	}
	if err != nil {
		return err
	}
	c.shown = c.at.Given.Net(c.net)
	if c.net.Stream() != (typ == kernel.SOCK_STREAM) {
		return &net.AddrError{Err: "unexpected address type", Addr: given}
	}
	return nil
}

// backlog is how many connections may wait for Accept. The system may have a lower limit.
const backlog = 4096

// listener makes a socket that listens.
func (c *listen) listener() (net.Listener, error) {
	s, err := c.bound()
	if err != nil {
		return nil, err
	}
	var l net.Listener
	if c.net.Unix() {
		u := &UnixListener{}
		u.b.open(s, c.network)
		u.file = fileOf(s)
		l = u
	} else {
		tcp := &Listener{options: acceptOptions(s, netaddr.KeepAliveOf(c.KeepAlive, c.KeepAliveConfig))}
		tcp.b.open(s, c.network)
		l = tcp
	}
	if err := s.Listen(backlog); err != nil {
		_ = l.Close() // the Listener has accepted nothing; the error of listen is returned
		return nil, osCause("listen", err)
	}
	return l, nil
}

// packets makes a datagram socket.
func (c *listen) packets() (net.PacketConn, error) {
	s, err := c.bound()
	if err != nil {
		return nil, err
	}
	if c.net.Unix() {
		u := &UnixConn{}
		u.open(s, c.network)
		u.file = fileOf(s)
		return u, nil
	}
	p := &PacketConn{}
	p.open(s, c.network)
	p.askLocal()
	return p, nil
}

// bound makes a socket and binds it.
func (c *listen) bound() (*socket.Socket, error) {
	at := c.at
	s, err := c.n.socket(at.Addr.Family, c.net.Type)
	if ipv4, ok := at.Fallback(errnoOf(err)); ok {
		at = ipv4
		s, err = c.n.socket(at.Addr.Family, c.net.Type)
	}
	if err != nil {
		return nil, osCause("socket", err)
	}
	if err := c.bind(s, at); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (c *listen) bind(s *socket.Socket, at netaddr.Binding) error {
	if err := at.Options(c.net, setter(s), s.GetSockOpt); err != nil {
		return osCause("setsockopt", err)
	}
	if c.net.TCP() && inheritsOptions(s) {
		tcpOptions(s, netaddr.KeepAliveOf(c.KeepAlive, c.KeepAliveConfig))
	}
	if c.Control != nil {
		address := c.shown.String()
		if at.Group {
			address = netAddr(c.n.k, c.network, at.Addr).String()
		}
		if err := c.Control(controlNetwork(c.network, s), address, rawOf(s, c.network)); err != nil {
			return err
		}
	}
	return osCause("bind", s.Bind(socketAddr(at.Addr)))
}

func inheritsOptions(s *socket.Socket) bool { return inside.Desc(s).Kernel.Traits().InheritsOptions }

// acceptOptions returns nil if sockets that s accepts inherit their options.
func acceptOptions(s *socket.Socket, keep net.KeepAliveConfig) *net.KeepAliveConfig {
	if inheritsOptions(s) {
		return nil
	}
	return &keep
}

// setter returns a function that sets an option of s.
func setter(s *socket.Socket) netaddr.Setter {
	return func(level, name, value int, _ string) error { return s.SetSockOpt(level, name, value) }
}

// tcpOptions sets the options that package net sets on every TCP connection. It ignores refusals.
func tcpOptions(s *socket.Socket, keep net.KeepAliveConfig) {
	_ = s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, true)
	if keep.Enable {
		_ = netaddr.KeepAlive(keep, setter(s))
	}
}
