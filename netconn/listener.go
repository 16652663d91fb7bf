package netconn

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// A Listener accepts stream connections.
type Listener struct {
	base
	path   string // of a Unix socket's file that Listen has made: Close removes it
	unlink sync.Once
}

// backlog is how many connections wait for Accept; the system may have less.
const backlog = 4096

func (n *Net) listen(ctx context.Context, network, address string) (*Listener, error) {
	a, err := n.findNetwork(network)
	var l *Listener
	if err == nil {
		l, err = n.listenAt(ctx, a, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: a.guess(address), Err: mapContext(err)}
	}
	return l, nil
}

func (n *Net) listenAt(ctx context.Context, a nets, address string) (*Listener, error) {
	s, err := n.bind(ctx, a, address, socket.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	l := &Listener{}
	if l.open(s, a.name); s.Family() == socket.AF_UNIX && address != "" && address[0] != '@' && address[0] != 0 {
		l.path = address
	}
	if err := s.Listen(backlog); err != nil {
		_ = l.Close() // it has never served
		return nil, osCause("listen", err)
	}
	return l, nil
}

// bind makes a socket that is bound. What is wrong with an address is told before that the network has another type.
func (n *Net) bind(ctx context.Context, a nets, address string, typ int) (*socket.Socket, error) {
	at, dual, err := n.binding(ctx, a, address)
	if err == nil && a.typ != typ {
		err = &net.AddrError{Err: "unexpected address type", Addr: address}
	}
	if err != nil {
		return nil, err
	}
	s, err := n.socket(at.Family(), a.typ)
	if dual && isErrno(err, kernel.EAFNOSUPPORT) { // a host without IPv6
		at, dual = socket.Tuple("0.0.0.0", at.Port()), false
		s, err = n.socket(at.Family(), a.typ)
	}
	if err != nil {
		return nil, osCause("socket", err)
	}
	if err := bindOptions(s, a, dual); err != nil {
		_ = s.Close()
		return nil, osCause("setsockopt", err)
	}
	if err := s.Bind(at); err != nil {
		_ = s.Close()
		return nil, osCause("bind", err)
	}
	return s, nil
}

func bindOptions(s *socket.Socket, a nets, dual bool) error {
	if s.Family() == socket.AF_INET6 {
		if err := s.SetSockOpt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, !dual); err != nil {
			return err
		}
	}
	if a.ip == "" || a.typ != socket.SOCK_STREAM {
		return nil
	}
	if err := s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true); err != nil {
		return err
	}
	if kernel.InheritsOptions {
		return tcpOptions(s)
	}
	return nil
}

// keepAlive is package net's.
const keepAlive = 15 * time.Second

// tcpOptions are what package net sets on every TCP connection.
func tcpOptions(s *socket.Socket) error {
	if err := s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, true); err != nil {
		return err
	}
	if err := s.SetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, true); err != nil {
		return err
	}
	for _, name := range []int{kernel.TCP_KEEPIDLE, kernel.TCP_KEEPINTVL} {
		if name == 0 { // OpenBSD: the system's interval
			continue
		}
		if err := s.SetSockOpt(socket.IPPROTO_TCP, name, int(keepAlive/time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// Accept waits for a connection, which is a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	s, from, err := l.s.Accept()
	if err != nil {
		e := l.failed("accept", err).(*net.OpError)
		e.Source, e.Addr = nil, l.local
		return nil, e
	}
	c := &Conn{}
	c.s, c.net, c.remote = s, l.net, netAddr(l.net, from)
	if a, err := s.LocalAddr(); err == nil {
		c.local = netAddr(l.net, a)
	}
	if !kernel.InheritsOptions && s.Family() != socket.AF_UNIX {
		_ = tcpOptions(s) // where that fails the peer is gone
	}
	return c, nil
}

// Addr is where it listens, with the port that the kernel chose.
func (l *Listener) Addr() net.Addr { return l.local }

// SetDeadline has Accept give up at t.
func (l *Listener) SetDeadline(t time.Time) error { return l.setDeadline(t, desc.In) }

// Close stops listening; connections live on. Accept ends with net.ErrClosed. It removes the file of a Unix socket that
// Listen has made.
func (l *Listener) Close() error {
	l.unlink.Do(func() { // before the descriptor closes: whoever finds nobody listening may put a file of his own there
		if l.path != "" {
			l.s.Desc().K.Unlink(l.path)
		}
	})
	err := l.base.Close()
	if e, ok := err.(*net.OpError); ok {
		e.Source, e.Addr = nil, l.local
	}
	return err
}

func isErrno(err error, e kernel.Errno) bool {
	o, ok := err.(*socket.OSError)
	return ok && o.Errno == int(e)
}
