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

// asked is what a PacketConn at all addresses knows of its senders.
type asked struct {
	mu sync.Mutex
	netaddr.Asked
}

// askLocal has a socket that is bound to all addresses tell which of them was asked.
func (c *PacketConn) askLocal() {
	at, err := c.s.LocalAddr()
	if err != nil || c.connected || !kernelAddr(at).IsUnspecified() || at.Port() == 0 {
		return
	}
	d := c.d
	d.Use(func(fd int) desc.Errno { kernel.AskLocal(d.Kernel, fd, c.s.Family()); return 0 })
	runtime.KeepAlive(c.s)
	c.asked = &asked{}
}

// localFor is the address that an answer leaves from; the zero Addr is the kernel's choice.
func (c *PacketConn) localFor(to kernel.Addr) kernel.Addr {
	if c.asked == nil {
		return kernel.Addr{}
	}
	c.asked.mu.Lock()
	defer c.asked.mu.Unlock()
	return c.asked.Local(to)
}

// packets are for calls that tell more than bytes, which take a Packet by pointer.
var packets = sync.Pool{New: func() any { return new(kernel.Packet) }}

func putPacket(m *kernel.Packet) {
	*m = kernel.Packet{}
	packets.Put(m)
}

// receive waits for a datagram.
func (c *PacketConn) receive(p []byte) (int, kernel.Addr, error) {
	if c.asked == nil {
		n, from, err := c.s.RecvFromInto(p)
		if err != nil {
			return n, kernel.Addr{}, c.failed("read", err)
		}
		return n, kernelAddr(from), nil
	}
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	if err := c.message(m, p); err != nil {
		return 0, kernel.Addr{}, err
	}
	return m.N, m.Addr, nil
}

// message waits for a datagram, and remembers where it was sent to.
func (c *PacketConn) message(m *kernel.Packet, p []byte) error {
	d := c.d
	m.Buf = p
	call := forever()
	_, e := d.Do(desc.In, &call, func() (int, desc.Errno) {
		e := d.Kernel.RecvMsg(d.FD, m, 0)
		return m.N, e
	})
	runtime.KeepAlive(c.s)
	if e != 0 {
		return c.fail("read", e)
	}
	if c.asked != nil {
		c.asked.mu.Lock()
		c.asked.Note(m.Addr, m.Local)
		c.asked.mu.Unlock()
	}
	return nil
}

// sendFrom sends a datagram from an address of this machine. Its error is a Socket's.
func (c *PacketConn) sendFrom(p []byte, local, to kernel.Addr) (int, error) {
	d := c.d
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	*m = kernel.Packet{Buf: p, N: len(p), Addr: to, Local: local}
	call := forever()
	if c.s.Timeout() == 0 { // one who wants no wait says so to the Socket: package net cannot
		call.Limit = 0
	}
	call.P = p
	_, e := d.Do(desc.Out, &call, func() (int, desc.Errno) {
		m.Buf = call.P
		return m.N, d.Kernel.SendMsg(d.FD, m, 0)
	})
	runtime.KeepAlive(c.s)
	if e != 0 {
		return 0, &socket.OSError{Errno: int(e), Op: "sendto"}
	}
	return len(p), nil
}

// A Message is what is known of a datagram beside its bytes.
type Message struct {
	From net.Addr // nil for a Unix socket without a name
	// Local is the address of this machine that the datagram was sent to, without a port: nil if it
	// is not known, as for a multicast. A PacketConn that is bound to one address knows no other.
	Local net.Addr
	// Truncated: the datagram was longer than the room for it, and the rest is lost.
	Truncated bool
}

// ReadMessage is ReadFrom that also reports whether the datagram was cut, and the address that it
// was sent to. A cut datagram is no error: otherwise one long datagram of a stranger would end the
// usual loop.
func (c *PacketConn) ReadMessage(p []byte) (n int, about Message, err error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	if err := c.message(m, p); err != nil {
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
