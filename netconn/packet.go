package netconn

import (
	"net"
	"net/netip"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// gram is the common part of PacketConn and UnixConn: a datagram socket.
type gram struct {
	base
	connected bool
	asked     *asked // nil unless the socket is bound to the wildcard address
}

// A PacketConn is a UDP socket. It is a net.PacketConn and, if it was dialled, also a net.Conn with
// one peer. A PacketConn that is bound to the wildcard address sends an answer from the address
// that the sender has used. It remembers the latest 4,096 senders.
type PacketConn struct{ gram }

// A UDPConn is a PacketConn, under its name in package net.
type UDPConn = PacketConn

// RemoteAddr returns the peer's address if the PacketConn was dialled, or nil.
func (c *PacketConn) RemoteAddr() net.Addr { return c.remote }

// Read waits for a datagram. As in package net, the bytes that do not fit into p are lost.
// ReadMessage reports such a loss.
func (c *PacketConn) Read(p []byte) (int, error) { return c.readGram(p) }

// Write sends a datagram to the dialled peer.
func (c *PacketConn) Write(p []byte) (int, error) { return c.writeGram(p) }

// ReadFrom is Read that also returns the sender, a *net.UDPAddr.
func (c *PacketConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.receive(p)
	return n, c.sender(from), err
}

// ReadFromUDP is ReadFrom.
func (c *PacketConn) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	n, from, err := c.receive(p)
	at, _ := c.sender(from).(*net.UDPAddr)
	return n, at, err
}

// ReadFromUDPAddrPort is ReadFrom without an allocation. As in package net, an IPv6 socket returns
// the address of an IPv4 sender in its IPv6 form.
func (c *PacketConn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := c.receive(p)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, c.addrPort(from), nil
}

// WriteTo sends a datagram. to is a *net.UDPAddr.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.addressed(to, kernel.EINVAL)
	}
	return c.WriteToUDP(p, a)
}

// WriteToUDP is WriteTo.
func (c *PacketConn) WriteToUDP(p []byte, to *net.UDPAddr) (int, error) {
	if to == nil {
		return 0, c.addressed(nil, c.missing())
	}
	a, err := c.udpAddr("sendto", to)
	n := 0
	if err == nil {
		n, err = c.send(p, a)
	}
	if err != nil {
		err = c.addressed(to, err)
	}
	return n, err
}

// WriteToUDPAddrPort is WriteTo without an allocation.
func (c *PacketConn) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.connected || !to.IsValid() {
		return 0, c.addressed(udpAddrPort{to}, c.missing())
	}
	a, err := netaddr.SockAddrPort(c.d.Kernel, c.s.Family(), to)
	n := 0
	if err == nil {
		n, err = c.send(p, a)
	}
	if err != nil {
		err = c.addressed(udpAddrPort{to}, err)
	}
	return n, err
}

// udpAddrPort is the address in an error of WriteToUDPAddrPort.
type udpAddrPort struct{ netip.AddrPort }

func (udpAddrPort) Network() string { return "udp" }

// missing returns the error for a datagram that has no address.
func (c *gram) missing() error {
	if c.connected {
		return net.ErrWriteToConnected
	}
	return errMissingAddress
}

// udpAddr converts an address to the kernel's type for this socket. An error names the system call
// `call`.
func (c *PacketConn) udpAddr(call string, to *net.UDPAddr) (kernel.Addr, error) {
	if c.connected {
		return kernel.Addr{}, net.ErrWriteToConnected
	}
	a, err := netaddr.SockAddr(c.d.Kernel, c.s.Family(), to.IP, to.Zone)
	if err != nil {
		return a, err
	}
	if a.Port, err = netaddr.Port(to.Port); err != nil {
		return a, c.invalid(call)
	}
	return a, nil
}

// invalid returns the error of a system call that refuses its argument. If the deadline has passed
// or the connection is closed, that error comes first, as in package net.
func (c *gram) invalid(call string) error {
	limit := forever()
	_, e := c.d.Do(desc.Out, &limit, func() (int, desc.Errno) { return 0, kernel.EINVAL })
	runtime.KeepAlive(c.s)
	return c.cause(call, e)
}

// addrPort returns a peer's address as package net does: its zone is the name of the interface, if
// that is known.
func (c *gram) addrPort(a kernel.Addr) netip.AddrPort {
	ap := a.AddrPort()
	ip := ap.Addr()
	if a.Scope != 0 && ip.Is6() {
		ip = ip.WithZone(netaddr.ScopeName(c.d.Kernel, a.Scope))
	}
	return netip.AddrPortFrom(ip, ap.Port())
}
