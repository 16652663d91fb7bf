package kernel

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IP_RECVLOCAL makes a socket report the local address that an IPv4 datagram was sent to.
const IP_RECVLOCAL = unix.IP_PKTINFO

// A control is room for the control messages of one datagram: packet info of both kinds.
type control [16]uint64

// set encodes the source address of a datagram and returns the length, 0 for no address.
func (c *control) set(local Addr) int {
	switch local.Family {
	case AF_INET:
		info := (*unix.Inet4Pktinfo)(c.message(unix.SOL_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo))
		*info = unix.Inet4Pktinfo{Spec_dst: [4]byte(local.IP[:4])}
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	case AF_INET6:
		info := (*unix.Inet6Pktinfo)(c.message(unix.SOL_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo))
		*info = unix.Inet6Pktinfo{Addr: local.IP, Ifindex: local.Scope}
		return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	}
	return 0
}

// message writes a header and returns the place of the data.
func (c *control) message(level, kind int32, size int) unsafe.Pointer {
	h := (*unix.Cmsghdr)(unsafe.Pointer(c))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	return unsafe.Add(unsafe.Pointer(c), unix.CmsgLen(0))
}

// local decodes the first n bytes. It returns the local address that the datagram was sent to, in
// the socket's family. An IPv6 socket reports an IPv4 datagram in two messages. The IPv4 one has
// the address to answer from, also after a broadcast.
func (c *control) local(n int) (a Addr) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(c)), min(n, int(unsafe.Sizeof(*c))))
	four, six := false, false
	for len(b) >= unix.CmsgLen(0) {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < unix.CmsgLen(0) || size > len(b) {
			break
		}
		data := b[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.SOL_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			four = true
			copy(a.IP[12:], data[4:8]) // spec_dst
		case h.Level == unix.SOL_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			six = true
			if !four {
				a.IP = [16]byte(data)
				a.Scope = binary.NativeEndian.Uint32(data[16:])
			}
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
	return asked(a, four, six)
}

// asked completes the address that the messages have reported. The last four bytes have the IPv4
// address.
func asked(a Addr, four, six bool) Addr {
	switch {
	case four && six: // an IPv6 socket has received an IPv4 datagram
		b := Addr{Family: AF_INET6}
		copy(b.IP[:], mapped[:])
		copy(b.IP[12:], a.IP[12:])
		return b
	case four:
		b := Addr{Family: AF_INET}
		copy(b.IP[:4], a.IP[12:])
		return b
	case !six || a.IP[0] == 0xff: // no address, or a multicast address, which cannot be a source
		return Addr{}
	}
	a.Family = AF_INET6
	if a.IP[0] != 0xfe || a.IP[1]&0xc0 != 0x80 { // not link-local: any interface
		a.Scope = 0
	}
	return a
}

var mapped = [12]byte{10: 0xff, 11: 0xff}
