//go:build !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

import "encoding/binary"

// The sizes of struct in_pktinfo and struct in6_pktinfo, in bytes.
const (
	sizeofInfo4 = 12
	sizeofInfo6 = 20
)

// appendLocal appends the message that reports a local IPv4 address.
func appendLocal(b []byte, ip [4]byte) []byte {
	var info [sizeofInfo4]byte
	copy(info[4:], ip[:]) // spec_dst
	copy(info[8:], ip[:])
	return appendMessage(b, IPPROTO_IP, IP_RECVLOCAL, info[:])
}

// decode sets Local, ECN and Segment. Local is the address that the datagram was sent to, in the
// family of the socket. For an IPv4 datagram on an IPv6 socket the kernel reports two messages.
// decode uses the IPv4 message: its spec_dst can be the source of an answer, even after a
// broadcast.
func decode(p *Packet, b []byte) {
	var a Addr
	four, six := false, false
	p.ECN, p.Segment = 0, 0
	for {
		m, rest, ok := firstMessage(b)
		if !ok {
			break
		}
		data := m.data
		switch {
		case m.level == IPPROTO_IP && m.kind == IP_RECVLOCAL && len(data) >= sizeofInfo4:
			four = true
			copy(a.IP[12:], data[4:8]) // spec_dst
		case m.level == IPPROTO_IPV6 && m.kind == ipv6Local && len(data) >= sizeofInfo6:
			six = true
			if !four {
				a.IP = [16]byte(data)
				a.Scope = binary.NativeEndian.Uint32(data[16:])
			}
		case m.level == IPPROTO_IP && m.kind == IP_TOS && len(data) >= 1:
			p.ECN = data[0] & 3
		case m.level == IPPROTO_IPV6 && m.kind == ipv6Class && len(data) >= 4:
			p.ECN = uint8(binary.NativeEndian.Uint32(data) & 3)
		case m.level == IPPROTO_UDP && m.kind == UDP_GRO && len(data) >= 4:
			p.Segment = uint16(binary.NativeEndian.Uint32(data))
		}
		b = rest
	}
	p.Local = asked(a, four, six)
}

// asked converts the address that the messages have reported. An IPv4 address is in the last four
// bytes of a.IP.
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
	// No address, or a multicast address, from which no answer can be sent.
	case !six || a.IP[0] == 0xff:
		return Addr{}
	}
	a.Family = AF_INET6
	if a.IP[0] != 0xfe || a.IP[1]&0xc0 != 0x80 { // only a link-local address belongs to one interface
		a.Scope = 0
	}
	return a
}

var mapped = [12]byte{10: 0xff, 11: 0xff}
