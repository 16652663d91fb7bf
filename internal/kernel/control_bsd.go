//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// IP_RECVLOCAL makes a socket report to which local address an IPv4 datagram was sent.
const IP_RECVLOCAL = unix.IP_RECVDSTADDR

// ReceivedRights is 0: only Linux marks receives with this flag.
const ReceivedRights = 0

// Only Linux has these options of UDP.
const (
	IP_RECVTOS  = 0
	UDP_SEGMENT = 0
	UDP_GRO     = 0
)

// controlRoom is the size of the memory for packet info of IPv4 and of IPv6 together, in bytes.
const controlRoom = 128

var mapped = [12]byte{10: 0xff, 11: 0xff}

// appendLocal appends the message that reports a local IPv4 address.
func appendLocal(b []byte, ip [4]byte) []byte {
	return appendMessage(b, IPPROTO_IP, IP_RECVLOCAL, ip[:])
}

// decode sets Local to the address that the datagram was sent to. Local has the same family as the
// sender's address.
func decode(p *Packet, b []byte) {
	var a Addr
	p.ECN, p.Segment = 0, 0
	for {
		m, rest, ok := firstMessage(b)
		if !ok {
			break
		}
		switch {
		case m.level == IPPROTO_IP && m.kind == IP_RECVLOCAL && len(m.data) >= 4:
			a = Addr{Family: AF_INET}
			copy(a.IP[:], m.data[:4])
			if p.Addr.Family == AF_INET6 {
				a = Addr{Family: AF_INET6}
				copy(a.IP[:], mapped[:])
				copy(a.IP[12:], m.data[:4])
			}
		case m.level == IPPROTO_IPV6 && m.kind == ipv6Local && len(m.data) >= unix.SizeofInet6Pktinfo:
			a = Addr{Family: AF_INET6, IP: [16]byte(m.data)}
			if a.IP[0] == 0xfe && a.IP[1]&0xc0 == 0x80 {
				a.Scope = binary.NativeEndian.Uint32(m.data[16:])
			}
		}
		b = rest
	}
	// No answer can be sent from a multicast address.
	if a.Family == AF_INET6 && a.IP[0] == 0xff || a.Family == AF_INET && a.IP[0] >= 224 {
		a = Addr{}
	}
	p.Local = a
}

// leaveFrom returns the control message that sets the source address, or nil if `local` is the zero
// Addr.
func leaveFrom(local Addr) []byte {
	switch {
	case local.Family == AF_INET:
		return sendSource([4]byte(local.IP[:4]))
	case local.Is4In6():
		return sendSource([4]byte(local.IP[12:]))
	case local.Family == AF_INET6:
		data := binary.NativeEndian.AppendUint32(local.IP[:], local.Scope)
		return appendMessage(nil, IPPROTO_IPV6, ipv6Local, data)
	}
	return nil
}

// sourceMessage returns a control message of level IPPROTO_IP. The end of data is the IPv4 address.
func sourceMessage(kind int32, data []byte) []byte {
	return appendMessage(nil, IPPROTO_IP, kind, data)
}

func (*host) RecvMsg(fd int, p *Packet, flags int) Errno {
	var own [controlRoom]byte
	room := own[:]
	if len(p.Control) > 0 {
		room = p.Control
	}
	for {
		n, oob, got, sa, err := unix.Recvmsg(fd, p.Buf, room, flags|unix.MSG_DONTWAIT)
		if err == nil {
			p.N = min(n, len(p.Buf))
			p.Addr = fromSockaddr(sa)
			p.Flags, p.Cut = got, got&unix.MSG_TRUNC != 0
			decode(p, room[:oob])
			if p.ControlN = 0; len(p.Control) > 0 {
				p.ControlN = oob
				for _, fd := range RightsIn(room[:oob]) {
					unix.CloseOnExec(fd) // because macOS has no MSG_CMSG_CLOEXEC
				}
			} else if oob > 0 {
				p.Flags |= unix.MSG_CTRUNC
				closeRights(room[:oob])
			}
			raceWrite(p.Buf[:p.N])
			raceAcquire()
			return 0
		}
		if err != unix.EINTR {
			return errno(err)
		}
	}
}

func (*host) SendMsg(fd int, p *Packet, flags int) Errno {
	var sa unix.Sockaddr
	if p.Addr.Family != 0 {
		var e Errno
		if sa, e = toSockaddr(p.Addr, pathMax); e != 0 {
			return e
		}
	}
	if p.Segment != 0 || p.ECN != 0 {
		return ENOTSUP
	}
	given := p.Control[:p.ControlN]
	local := leaveFrom(p.Local)
	raceRead(p.Buf[:p.N])
	raceRelease()
	for {
		n, err := unix.SendmsgN(fd, p.Buf[:p.N], append(local[:len(local):len(local)], given...), sa, flags|unix.MSG_DONTWAIT|noSignal)
		switch {
		case err == nil:
			p.N = n
			return 0
		case local != nil && (err == unix.EINVAL || err == unix.EADDRNOTAVAIL || err == unix.ENXIO || err == unix.ENETUNREACH):
			local = nil // the machine no longer has the address: the kernel chooses
		case err != unix.EINTR:
			return errno(err)
		}
	}
}
