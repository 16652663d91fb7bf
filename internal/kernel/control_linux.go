package kernel

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IP_RECVLOCAL has a socket tell where an IPv4 datagram was sent to.
const IP_RECVLOCAL = unix.IP_PKTINFO

// A control is room for the control messages of one datagram: both kinds of packet info.
type control [16]uint64

// set encodes the address to leave from and returns the length; 0 for no address.
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

// message writes a head and returns where the data goes.
func (c *control) message(level, kind int32, size int) unsafe.Pointer {
	h := (*unix.Cmsghdr)(unsafe.Pointer(c))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	return unsafe.Add(unsafe.Pointer(c), unix.CmsgLen(0))
}

// local decodes the first n bytes: the address of this machine that was asked, as the socket's
// family writes it. An IPv6 socket reports an IPv4 datagram in both ways, and IPv4's way has the
// address to answer from if it was a broadcast.
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

// asked makes the address of what the messages said; the IPv4 address is in the last four bytes.
func asked(a Addr, four, six bool) Addr {
	switch {
	case four && six: // of an IPv6 socket
		b := Addr{Family: AF_INET6}
		copy(b.IP[:], mapped[:])
		copy(b.IP[12:], a.IP[12:])
		return b
	case four:
		b := Addr{Family: AF_INET}
		copy(b.IP[:4], a.IP[12:])
		return b
	case !six || a.IP[0] == 0xff: // nothing, or a multicast address, which nobody can answer from
		return Addr{}
	}
	a.Family = AF_INET6
	if a.IP[0] != 0xfe || a.IP[1]&0xc0 != 0x80 { // not link-local: any interface
		a.Scope = 0
	}
	return a
}

var mapped = [12]byte{10: 0xff, 11: 0xff}
