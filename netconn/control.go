package netconn

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// ReadMsgUDP is ReadFrom that also receives control data, as the method of package net does. A
// PacketConn that is bound to the wildcard address requests the local address of each datagram. So
// the control data also contains that address, if oob has room for it.
func (c *PacketConn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, from, err := c.ReadMsgUDPAddrPort(b, oob)
	if from.IsValid() {
		addr = net.UDPAddrFromAddrPort(from)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is ReadMsgUDP without an allocation.
func (c *PacketConn) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	if err = c.readMsg(m, b, oob); err != nil {
		return 0, 0, 0, c.addrPort(kernel.Addr{Family: c.s.Family()}), err // as package net
	}
	return m.N, m.ControlN, m.Flags, c.addrPort(m.Addr), nil
}

// WriteMsgUDP is WriteTo that also sends control data. For a dialled PacketConn, addr must be nil.
func (c *PacketConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		if !c.connected {
			return 0, 0, c.addressed(nil, errMissingAddress)
		}
		n, err = c.writeMsg(b, oob, kernel.Addr{})
	} else {
		var to kernel.Addr
		if to, err = c.udpAddr("sendmsg", addr); err == nil {
			n, err = c.writeMsg(b, oob, to)
		}
	}
	if err != nil {
		return 0, 0, c.addressed(c.peerOr(addr), err)
	}
	return n, len(oob), nil
}

// peerOr returns the address for an error. A nil *net.UDPAddr counts as no address.
func (c *gram) peerOr(to *net.UDPAddr) net.Addr {
	if to == nil {
		return nil
	}
	return to
}

// WriteMsgUDPAddrPort is WriteMsgUDP without an allocation. For a dialled PacketConn, addr must be
// the zero AddrPort.
func (c *PacketConn) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	var to kernel.Addr
	switch {
	case c.connected == addr.IsValid():
		err = c.missing()
	case addr.IsValid():
		to, err = netaddr.SockAddrPort(c.d.Kernel, c.s.Family(), addr)
	}
	if err == nil {
		n, err = c.writeMsg(b, oob, to)
	}
	if err != nil {
		return 0, 0, c.addressed(udpAddrPort{addr}, err)
	}
	return n, len(oob), nil
}

// ReadMsgUnix is Read that also receives control data, such as descriptors that the peer has
// passed. The descriptors are close-on-exec and belong to the caller. Descriptors for which oob has
// no room are closed.
func (c *UnixConn) ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	switch err = c.readMsg(m, b, oob); {
	case err == nil:
		addr, _ = c.sender(m.Addr).(*net.UnixAddr)
	case !errors.Is(err, io.EOF):
		return 0, 0, 0, nil, err
	}
	return m.N, m.ControlN, m.Flags | kernel.ReceivedRights, addr, err
}

// WriteMsgUnix is Write that also sends control data. On a stream the control data travels with the
// first byte, and n may be less than len(b). addr is for a datagram socket without a peer.
func (c *UnixConn) WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error) {
	var to kernel.Addr
	switch {
	case c.packets() && c.connected:
		err = net.ErrWriteToConnected
	case addr != nil && addr.Net != networkOf(c.s):
		err = kernel.EAFNOSUPPORT
	case addr != nil: // an address on a stream: the kernel refuses it
		to = kernel.Unix(addr.Name)
	}
	if err == nil {
		n, err = c.writeMsg(b, oob, to)
	}
	if err != nil {
		var at net.Addr
		if addr != nil {
			at = addr
		}
		return 0, 0, c.addressed(at, err)
	}
	return n, len(oob), nil
}

// ownRoom is the room in bytes for the messages that askLocal requests: packet info of both
// families.
const ownRoom = 96

// rooms is a pool of buffers that have room for the messages of askLocal as well.
var rooms = sync.Pool{New: func() any { return new([ownRoom + 512]byte) }}

// readMsg receives data into b and control data into oob.
func (c *gram) readMsg(m *kernel.Packet, b, oob []byte) error {
	if len(b) == 0 && len(oob) > 0 && !c.packets() {
		// A stream reports control data only with a byte of data. That byte counts in n, as in
		// package net.
		b = make([]byte, 1)
	}
	m.Control = oob
	if c.asked != nil && len(oob) > 0 {
		room := rooms.Get().(*[ownRoom + 512]byte)
		defer rooms.Put(room)
		if m.Control = room[:]; len(oob)+ownRoom > len(room) {
			m.Control = make([]byte, len(oob)+ownRoom)
		}
	}
	if err := c.message(m, b, "recvmsg"); err != nil {
		return err
	}
	switch {
	case m.N == 0 && len(b) > 0 && !c.packets():
		return c.endOfUnix()
	case c.asked != nil && len(oob) == 0:
		m.Flags &^= kernel.MSG_CTRUNC // the caller has not asked for the local address
	case c.asked != nil:
		c.handOver(m, oob)
	}
	return nil
}

// handOver copies control data to oob. If oob is too small, it first drops the messages that the
// caller has not requested.
func (c *gram) handOver(m *kernel.Packet, oob []byte) {
	got := m.Control[:m.ControlN]
	if len(got) > len(oob) {
		got = kernel.WithoutLocal(got)
	}
	if m.ControlN = copy(oob, got); m.ControlN < len(got) {
		m.Flags |= kernel.MSG_CTRUNC
	}
}

// writeMsg sends data and control data. It returns the cause of an error, without the *net.OpError.
func (c *gram) writeMsg(p, oob []byte, to kernel.Addr) (int, error) {
	m := packets.Get().(*kernel.Packet)
	defer putPacket(m)
	empty := len(p) == 0 && len(oob) > 0 && !c.packets()
	if empty {
		p = []byte{0} // as package net does: control data needs a byte
	}
	*m = kernel.Packet{Addr: to, Control: oob, ControlN: len(oob)}
	if c.asked != nil && !kernel.HasLocal(oob) {
		m.Local = c.localFor(to)
	}
	n, err := c.sendPacket(m, p, "sendmsg")
	if empty {
		n = 0
	}
	return n, c.reason("sendmsg", err)
}
