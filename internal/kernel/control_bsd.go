//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// IP_RECVLOCAL makes a socket report the local address that an IPv4 datagram was sent to.
const IP_RECVLOCAL = unix.IP_RECVDSTADDR

// controlRoom is the room for packet info of both kinds, in bytes.
const controlRoom = 128

var mapped = [12]byte{10: 0xff, 11: 0xff}

// localOf returns the local address that a datagram was sent to, in the family of the sender's
// address.
func localOf(b []byte, family int) (a Addr) {
	list, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return Addr{}
	}
	for _, m := range list {
		switch {
		case m.Header.Level == IPPROTO_IP && m.Header.Type == unix.IP_RECVDSTADDR && len(m.Data) >= 4:
			a = Addr{Family: AF_INET}
			copy(a.IP[:], m.Data[:4])
			if family == AF_INET6 {
				a = Addr{Family: AF_INET6}
				copy(a.IP[:], mapped[:])
				copy(a.IP[12:], m.Data[:4])
			}
		case m.Header.Level == IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&m.Data[0]))
			a = Addr{Family: AF_INET6, IP: info.Addr}
			if a.IP[0] == 0xfe && a.IP[1]&0xc0 == 0x80 {
				a.Scope = uint32(info.Ifindex)
			}
		}
	}
	// A multicast address cannot be the source of an answer.
	if a.Family == AF_INET6 && a.IP[0] == 0xff || a.Family == AF_INET && a.IP[0] >= 224 {
		return Addr{}
	}
	return a
}

// leaveFrom returns the control message for a source address, nil for none.
func leaveFrom(local Addr) []byte {
	switch {
	case local.Family == AF_INET:
		return sendSource([4]byte(local.IP[:4]))
	case local.Is4In6():
		return sendSource([4]byte(local.IP[12:]))
	case local.Family == AF_INET6:
		b := make([]byte, unix.CmsgSpace(unix.SizeofInet6Pktinfo))
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		h.Level, h.Type = IPPROTO_IPV6, unix.IPV6_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)]))
		info.Addr, info.Ifindex = local.IP, local.Scope
		return b
	}
	return nil
}

// sourceMessage returns a control message of level IPPROTO_IP. data ends with the IPv4 address.
func sourceMessage(kind int32, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = IPPROTO_IP, kind
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func (*host) RecvMsg(fd int, p *Packet, flags int) Errno {
	var room [controlRoom]byte
	for {
		n, oob, got, sa, err := unix.Recvmsg(fd, p.Buf, room[:], flags|unix.MSG_DONTWAIT)
		if err == nil {
			p.N = min(n, len(p.Buf))
			p.Addr = fromSockaddr(sa)
			p.Local = localOf(room[:oob], p.Addr.Family)
			p.Cut = got&unix.MSG_TRUNC != 0
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
	control := leaveFrom(p.Local)
	raceRead(p.Buf[:p.N])
	raceRelease()
	for {
		_, err := unix.SendmsgN(fd, p.Buf[:p.N], control, sa, flags|unix.MSG_DONTWAIT|noSignal)
		switch {
		case err == nil:
			return 0
		case control != nil && (err == unix.EINVAL || err == unix.EADDRNOTAVAIL || err == unix.ENXIO || err == unix.ENETUNREACH):
			control = nil // the machine does not have the address now
		case err != unix.EINTR:
			return errno(err)
		}
	}
}
