package netconn

import (
	"net"
	"runtime"
	"sync"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// asked stores which address of this machine each sender has used. Only a PacketConn that is bound
// to the wildcard address has one.
type asked struct {
	mu sync.Mutex
	netaddr.Asked
}

// If the socket is bound to the wildcard address, askLocal makes the kernel report the local
// address of each datagram.
func (c *gram) askLocal() {
	at, err := c.s.LocalAddr()
	if err != nil || c.connected || !kernelAddr(at).IsUnspecified() || at.Port() == 0 {
		return
	}
	d := c.d
	d.Use(func(fd int) desc.Errno { kernel.AskLocal(d.Kernel, fd, c.s.Family()); return 0 })
	runtime.KeepAlive(c.s)
	c.asked = &asked{}
}

// localFor returns the local address from which to send an answer. The zero Addr means that the
// kernel chooses.
func (c *gram) localFor(to kernel.Addr) kernel.Addr {
	if c.asked == nil {
		return kernel.Addr{}
	}
	c.asked.mu.Lock()
	defer c.asked.mu.Unlock()
	return c.asked.Local(to)
}

// packets is a pool of Packets. RecvMsg and SendMsg get a pointer to a Packet, so a Packet on the
// stack would escape to the heap.
var packets = sync.Pool{New: func() any { return new(kernel.Packet) }}

func putPacket(m *kernel.Packet) {
	*m = kernel.Packet{}
	packets.Put(m)
}

// receive waits for a datagram.
func (c *gram) receive(p []byte) (int, kernel.Addr, error) {
	if c.asked == nil {
		n, from, err := c.s.RecvFromInto(p)
		if err != nil {
			return n, kernel.Addr{}, c.opError("read", c.reason("recvfrom", err))
		}
		return n, kernelAddr(from), nil
	}
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	if err := c.message(m, p, "recvfrom"); err != nil {
		return 0, kernel.Addr{}, err
	}
	return m.N, m.Addr, nil
}

// message waits for a datagram, and stores the local address that the datagram was sent to. An
// error names the system call `name`.
func (c *gram) message(m *kernel.Packet, p []byte, name string) error {
	d := c.d
	m.Buf = p
	call := forever()
	_, e := d.Do(desc.In, &call, func() (int, desc.Errno) {
		e := d.Kernel.RecvMsg(d.FD, m, 0)
		return m.N, e
	})
	runtime.KeepAlive(c.s)
	if e != 0 {
		return c.opError("read", c.cause(name, e))
	}
	if c.asked != nil {
		c.asked.mu.Lock()
		c.asked.Note(m.Addr, m.Local)
		c.asked.mu.Unlock()
	}
	return nil
}

// sendFrom sends a datagram from an address of this machine. Its error is a *socket.OSError.
func (c *gram) sendFrom(p []byte, local, to kernel.Addr) (int, error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	*m = kernel.Packet{Addr: to, Local: local}
	return c.sendPacket(m, p, "sendto")
}

// sendPacket sends p with the other fields of the Packet. Its error is a *socket.OSError.
func (c *gram) sendPacket(m *kernel.Packet, p []byte, name string) (int, error) {
	d := c.d
	call := forever()
	// Package net has no mode in which a call must not wait. A caller that needs this mode sets
	// Timeout 0 on the Socket.
	if c.s.Timeout() == 0 {
		call.Limit = 0
	}
	call.P = p
	_, e := d.Do(desc.Out, &call, func() (int, desc.Errno) {
		m.Buf, m.N = call.P, len(call.P)
		e := d.Kernel.SendMsg(d.FD, m, 0)
		return m.N, e
	})
	runtime.KeepAlive(c.s)
	if e != 0 {
		return 0, &socket.OSError{Errno: int(e), Op: name}
	}
	return m.N, nil
}

// A Message describes a datagram.
type Message struct {
	From net.Addr // nil for a Unix socket without a name
	// Local is the address of this machine that the datagram was sent to, without a port. It is nil if
	// the address is not known, for example for a multicast. For a PacketConn that is bound to one
	// address, Local is always that address.
	Local net.Addr
	// Truncated means that the datagram was longer than the buffer, and that the rest is lost.
	Truncated bool
}

// ReadMessage is ReadFrom that also reports the address that the datagram was sent to, and whether
// the datagram was truncated. A truncated datagram is not an error. Otherwise any stranger could
// end the usual receive loop with one long datagram.
func (c *PacketConn) ReadMessage(p []byte) (n int, about Message, err error) { return c.readMessage(p) }

// readMessage receives a datagram: see ReadMessage.
func (c *gram) readMessage(p []byte) (n int, about Message, err error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	if err := c.message(m, p, "recvmsg"); err != nil {
		return 0, Message{}, err
	}
	about = Message{From: c.sender(m.Addr), Truncated: m.Cut}
	switch {
	case m.Local.Family != 0:
		about.Local = netAddr(c.d.Kernel, c.net, m.Local)
	case c.asked == nil:
		about.Local = withoutPort(c.local)
	}
	return m.N, about, nil
}

func withoutPort(a net.Addr) net.Addr {
	if u, ok := a.(*net.UDPAddr); ok {
		return &net.UDPAddr{IP: u.IP, Zone: u.Zone}
	}
	return a
}
