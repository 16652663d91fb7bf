package netconn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// A PacketConn is a datagram socket: a net.PacketConn and, if it was dialled, a net.Conn of one
// peer. If it is bound to all addresses of the machine, it sends an answer from the address that
// the sender has used. It remembers the latest 4,096 senders.
type PacketConn struct {
	base
	connected bool
	asked     *asked       // nil unless it is bound to all addresses
	file      netaddr.File // of a Unix socket
	unlink    atomic.Bool  // Close removes the file
}

func (n *Net) listenPacket(ctx context.Context, network, address string) (*PacketConn, error) {
	a, err := findNetwork(network)
	var s *socket.Socket
	if err == nil {
		s, err = n.bind(ctx, a, address, socket.SOCK_DGRAM)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: guess(a, address), Err: mapContext(err)}
	}
	c := &PacketConn{}
	c.open(s, a.Name)
	c.askLocal()
	c.file = fileOf(s)
	return c, nil
}

// SetUnlinkOnClose chooses whether Close removes the file of a Unix socket that ListenPacket has
// made. By default the file stays, as with package net. Any goroutine may call it.
func (c *PacketConn) SetUnlinkOnClose(unlink bool) { c.unlink.Store(unlink) }

// Close ends every call in progress with net.ErrClosed. A second Close returns net.ErrClosed.
func (c *PacketConn) Close() error {
	if c.unlink.Swap(false) {
		remove(c.s, c.file)
	}
	return c.base.Close()
}

// RemoteAddr returns the dialled peer's address, or nil.
func (c *PacketConn) RemoteAddr() net.Addr { return c.remote }

// Read waits for a datagram. The part that does not fit into p is lost, as with package net:
// ReadMessage reports that.
func (c *PacketConn) Read(p []byte) (int, error) {
	n, err := c.s.RecvInto(p)
	if err != nil {
		err = c.failed("read", err)
	}
	return n, err
}

// Write sends a datagram to the dialled peer.
func (c *PacketConn) Write(p []byte) (int, error) {
	n, err := c.s.Send(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// ReadFrom is Read that also returns the sender, nil for a Unix socket without a name.
func (c *PacketConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.receive(p)
	if err != nil {
		return n, nil, err
	}
	return n, c.sender(from), nil
}

// sender returns a sender's address as package net has it.
func (c *PacketConn) sender(from kernel.Addr) net.Addr {
	if from.Family == 0 || from.Family == socket.AF_UNIX && from.Path == "" {
		return nil
	}
	return netAddr(c.d.Kernel, c.net, from)
}

// ReadFromUDPAddrPort is ReadFrom without an allocation, for UDP.
func (c *PacketConn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := c.receive(p)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, c.unmap(from), nil
}

// WriteTo sends a datagram. to is a *net.UDPAddr or, for a Unix socket, a *net.UnixAddr.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	switch a := to.(type) {
	case *net.UDPAddr:
		if a == nil {
			break
		}
		if c.s.Family() != socket.AF_UNIX {
			port, err := netaddr.Port(a.Port)
			if err != nil {
				return 0, c.addressed(to, fmt.Errorf("%w: %w", err, os.NewSyscallError("sendto", kernel.EINVAL)))
			}
			ip, _ := netip.AddrFromSlice(a.IP)
			if len(a.IP) == 0 { // this machine
				ip = netip.IPv4Unspecified()
				if c.s.Family() == socket.AF_INET6 {
					ip = netip.IPv6Unspecified()
				}
			}
			return c.writeTo(p, netip.AddrPortFrom(ip.WithZone(a.Zone), port), to)
		}
		return 0, c.addressed(to, kernel.EINVAL)
	case *net.UnixAddr:
		if a == nil {
			break
		}
		if c.s.Family() == socket.AF_UNIX {
			return c.send(p, kernel.Unix(a.Name), to)
		}
		return 0, c.addressed(to, kernel.EINVAL)
	}
	return 0, c.addressed(to, kernel.EINVAL)
}

// WriteToUDPAddrPort is WriteTo without an allocation, for UDP.
func (c *PacketConn) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	return c.writeTo(p, to, nil)
}

func (c *PacketConn) writeTo(p []byte, to netip.AddrPort, given net.Addr) (int, error) {
	a, err := netaddr.InetAny(c.d.Kernel, to)
	if err != nil {
		return 0, c.addressed(given, err)
	}
	a, ok := netaddr.ForSocket(c.s.Family(), a)
	if !ok {
		err := &net.AddrError{Err: "non-IPv4 address", Addr: to.Addr().String()}
		return 0, c.addressed(given, err)
	}
	return c.send(p, a, given)
}

// unmap returns a peer's address: an IPv4 peer of an IPv6 socket as IPv4, and the zone as the
// interface's name if that is known.
func (c *PacketConn) unmap(a kernel.Addr) netip.AddrPort {
	zone := a.Scope
	a.Scope = 0
	ap := a.AddrPort()
	ip := ap.Addr().Unmap()
	if zone != 0 && ip.Is6() {
		ip = ip.WithZone(netaddr.ScopeName(c.d.Kernel, zone))
	}
	return netip.AddrPortFrom(ip, ap.Port())
}

func (c *PacketConn) send(p []byte, to kernel.Addr, given net.Addr) (int, error) {
	if c.connected {
		return 0, c.addressed(given, net.ErrWriteToConnected)
	}
	var n int
	var err error
	if local := c.localFor(to); local.Family != 0 || c.s.Timeout() == 0 { // 0: see sendFrom
		n, err = c.sendFrom(p, local, to)
	} else {
		n, err = c.s.SendTo(p, socketAddr(to))
	}
	if err != nil {
		if given == nil {
			given = netAddr(c.d.Kernel, c.net, to)
		}
		e := c.failed("write", err).(*net.OpError)
		e.Addr = given
		return n, e
	}
	return n, nil
}

func (c *PacketConn) addressed(to net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: to, Err: err}
}
