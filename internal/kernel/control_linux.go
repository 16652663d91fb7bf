package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// IP_RECVLOCAL makes a socket report to which local address an IPv4 datagram was sent.
const IP_RECVLOCAL = unix.IP_PKTINFO

const ipLocal = unix.IP_PKTINFO // the control message that sets the source address

// ReceivedRights is a flag that Linux sets after each receive with MSG_CMSG_CLOEXEC, which makes
// received descriptors close-on-exec. A Packet's Flags do not have it. Package net returns this
// flag for Unix sockets.
const ReceivedRights = unix.MSG_CMSG_CLOEXEC

// Only Linux has these options of UDP. On other systems they are 0.
const (
	IP_RECVTOS  = unix.IP_RECVTOS
	UDP_SEGMENT = unix.UDP_SEGMENT
	UDP_GRO     = unix.UDP_GRO
)

// A control is memory for the control messages of one datagram: packet info of IPv4 and of IPv6,
// ECN, and the size of a segment.
type control [20]uint64

// A packed counts the used bytes of a control.
type packed int

// set encodes ECN and Segment of the Packet, and the source address `local`.
func (c *control) set(local *Addr, p *Packet) (n packed) {
	switch local.Family {
	case AF_INET:
		info := (*unix.Inet4Pktinfo)(n.message(c, unix.SOL_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo))
		*info = unix.Inet4Pktinfo{Spec_dst: [4]byte(local.IP[:4])}
	case AF_INET6:
		info := (*unix.Inet6Pktinfo)(n.message(c, unix.SOL_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo))
		*info = unix.Inet6Pktinfo{Addr: local.IP, Ifindex: local.Scope}
	}
	if p.ECN != 0 {
		// If the socket is connected, its family is not known here. So both messages are sent: the kernel
		// ignores the one that is not for the family of the socket.
		four := p.Addr.Family == AF_INET || p.Addr.Is4In6()
		if four || p.Addr.Family == 0 {
			*(*int32)(n.message(c, unix.SOL_IP, unix.IP_TOS, 4)) = int32(p.ECN & 3)
		}
		if !four {
			*(*int32)(n.message(c, unix.SOL_IPV6, unix.IPV6_TCLASS, 4)) = int32(p.ECN & 3)
		}
	}
	if p.Segment != 0 {
		*(*uint16)(n.message(c, unix.SOL_UDP, unix.UDP_SEGMENT, 2)) = p.Segment
	}
	return n
}

// message appends the header of a control message, and returns where its data belongs.
func (n *packed) message(c *control, level, kind int32, size int) unsafe.Pointer {
	at := unsafe.Add(unsafe.Pointer(c), int(*n))
	h := (*unix.Cmsghdr)(at)
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	*n += packed(unix.CmsgSpace(size))
	return unsafe.Add(at, unix.CmsgLen(0))
}

// outgoing returns the control data of a send. The messages for fields of the Packet come first,
// then the caller's control data.
func (c *control) outgoing(local *Addr, p *Packet) (*byte, int) {
	n := 0
	if local.Family != 0 || p.ECN != 0 || p.Segment != 0 {
		n = int(c.set(local, p))
	}
	switch own := (*byte)(unsafe.Pointer(c)); {
	case n == 0 && p.ControlN == 0:
		return nil, 0
	case p.ControlN == 0:
		return own, n
	case n == 0:
		return &p.Control[0], p.ControlN
	default:
		both := append(append([]byte(nil), unsafe.Slice(own, n)...), p.Control[:p.ControlN]...)
		return &both[0], len(both)
	}
}

// incoming returns the memory for the control data of a receive.
func (c *control) incoming(p *Packet) (*byte, int) {
	if len(p.Control) > 0 {
		return &p.Control[0], len(p.Control)
	}
	return (*byte)(unsafe.Pointer(c)), int(unsafe.Sizeof(*c))
}

// received decodes the n bytes of control data that a receive has stored.
func (c *control) received(p *Packet, n, flags int) {
	p.Flags = flags &^ unix.MSG_CMSG_CLOEXEC
	p.Cut = flags&unix.MSG_TRUNC != 0
	if len(p.Control) > 0 {
		p.ControlN = min(n, len(p.Control))
		raceWrite(p.Control[:p.ControlN])
		decode(p, p.Control[:p.ControlN])
		return
	}
	p.ControlN = 0
	b := unsafe.Slice((*byte)(unsafe.Pointer(c)), min(n, int(unsafe.Sizeof(*c))))
	if decode(p, b); n > 0 {
		p.Flags |= unix.MSG_CTRUNC
	}
	if p.Addr.Family == AF_UNIX || p.Addr.Family == 0 {
		closeRights(b) // the caller had no room for the descriptors
	}
}
