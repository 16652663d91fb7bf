package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
)

// An opener opens addresses, for goroutines or for the tasks of a loop.
type opener interface {
	Listen(network, address string) (net.Listener, error)
	ListenPacket(network, address string) (net.PacketConn, error)
}

// parked is the opener for goroutines, which park.
type parked struct{}

func (parked) Listen(network, address string) (net.Listener, error) {
	return netconn.Listen(network, address)
}
func (parked) ListenPacket(network, address string) (net.PacketConn, error) {
	return netconn.ListenPacket(network, address)
}

// An acceptor is a *netconn.Listener or a *netconn.UnixListener.
type acceptor interface {
	net.Listener
	SetDeadline(t time.Time) error
	Socket() *socket.Socket
}

func (a address) listen(o opener) (acceptor, error) {
	l, err := o.Listen(a.network, a.addr)
	if err != nil {
		return nil, a.explained(err)
	}
	return l.(acceptor), nil
}

// A packetConn is a *netconn.PacketConn or a *netconn.UnixConn.
type packetConn interface {
	net.PacketConn
	Socket() *socket.Socket
}

func (a address) listenPacket(o opener) (packetConn, error) {
	p, err := o.ListenPacket(a.network, a.addr)
	if err != nil {
		return nil, a.explained(err)
	}
	if c, ok := p.(*netconn.UnixConn); ok {
		c.SetUnlinkOnClose(true)
	}
	return p.(packetConn), nil
}

// unixMax is the maximum length of a Unix socket's path on all systems.
const unixMax = 103

// explained converts an error of netconn to the form of the reactor's errors.
func (a address) explained(err error) error {
	var op *net.OpError
	var addr *net.AddrError
	switch {
	case errors.As(err, &addr) && addr.Err == "no suitable address found":
		err = fmt.Errorf("address %s is not for %s", addr.Addr, a.network)
	case errors.Is(err, syscall.EINVAL) && !a.ip() && len(a.addr) > unixMax:
		err = fmt.Errorf("file name too long: %d bytes", len(a.addr))
	case errors.As(err, &op):
		err = op.Err
	}
	return fmt.Errorf("listen %s %s: %w", a.network, a.addr, err)
}
