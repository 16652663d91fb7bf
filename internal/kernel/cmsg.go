package kernel

import "encoding/binary"

// This file has the format of control messages: cmsg(3).

// A message is one control message (cmsg(3)).
type message struct {
	level, kind int32
	data        []byte
}

// firstMessage splits the first message off control data, which may start at any address. ok is
// false if the data ends, or if the first message is not complete.
func firstMessage(b []byte) (m message, rest []byte, ok bool) {
	var h cmsgHeader
	if head := headerBytes(&h); copy(head, b) < len(head) {
		return m, nil, false
	}
	size := uint64(h.Len)
	if size < uint64(cmsgLen(0)) || size > uint64(len(b)) {
		return m, nil, false
	}
	m = message{h.Level, h.Type, b[cmsgLen(0):size]}
	return m, b[min(cmsgSpace(len(m.data)), len(b)):], true
}

// appendMessage appends a control message.
func appendMessage(b []byte, level, kind int32, data []byte) []byte {
	h := cmsgHeader{Level: level, Type: kind}
	setCmsgLen(&h, cmsgLen(len(data)))
	m := make([]byte, cmsgSpace(len(data)))
	copy(m, headerBytes(&h))
	copy(m[cmsgLen(0):], data)
	return append(b, m...)
}

// Rights returns the control message SCM_RIGHTS, which passes descriptors over a Unix socket.
func Rights(fds ...int) []byte {
	data := make([]byte, 0, 4*len(fds))
	for _, fd := range fds {
		if fd != int(int32(fd)) {
			fd = -1 // the send then returns EBADF
		}
		data = binary.NativeEndian.AppendUint32(data, uint32(int32(fd)))
	}
	return appendMessage(nil, SOL_SOCKET, scmRights, data)
}

// RightsIn returns the descriptors in received control data. The caller then owns them.
func RightsIn(control []byte) (fds []int) {
	for {
		m, rest, ok := firstMessage(control)
		if !ok {
			return fds
		}
		if m.level == SOL_SOCKET && m.kind == scmRights {
			fds = append(fds, m.rights()...)
		}
		control = rest
	}
}

// rights returns the descriptors of the message SCM_RIGHTS.
func (m message) rights() (fds []int) {
	for d := m.data; len(d) >= 4; d = d[4:] {
		fds = append(fds, int(int32(binary.NativeEndian.Uint32(d))))
	}
	return fds
}

// WithoutLocal removes the messages that report a local address. It uses the memory of control.
func WithoutLocal(control []byte) []byte {
	kept := control[:0]
	for rest := control; ; {
		m, next, ok := firstMessage(rest)
		if !ok {
			return kept
		}
		if !m.reportsLocal() {
			kept = append(kept, rest[:len(rest)-len(next)]...)
		}
		rest = next
	}
}

// HasLocal returns whether control data has a message that reports a local address.
func HasLocal(control []byte) bool {
	for {
		m, rest, ok := firstMessage(control)
		if !ok || m.reportsLocal() {
			return ok
		}
		control = rest
	}
}

func (m message) reportsLocal() bool {
	return m.level == IPPROTO_IP && (m.kind == IP_RECVLOCAL || m.kind == ipLocal) || m.level == IPPROTO_IPV6 && m.kind == ipv6Local
}

// SplitRights returns the descriptors in control data, and the control data without them.
func SplitRights(control []byte) (fds []int, rest []byte) {
	for {
		m, next, ok := firstMessage(control)
		if !ok {
			return fds, rest
		}
		if m.level == SOL_SOCKET && m.kind == scmRights {
			fds = append(fds, m.rights()...)
		} else {
			rest = append(rest, control[:len(control)-len(next)]...)
		}
		control = next
	}
}

// Decode sets Local, ECN and Segment of a Packet from received control data.
func Decode(p *Packet, control []byte) { decode(p, control) }

// AppendReceived appends the control messages that a receive gets for Local, ECN and Segment of p.
func AppendReceived(b []byte, p *Packet) []byte {
	switch {
	case p.Local.Family == AF_INET:
		b = appendLocal(b, [4]byte(p.Local.IP[:4]))
	case p.Local.Is4In6():
		b = appendLocal(b, [4]byte(p.Local.IP[12:]))
		fallthrough
	case p.Local.Family == AF_INET6:
		b = appendMessage(b, IPPROTO_IPV6, ipv6Local, binary.NativeEndian.AppendUint32(p.Local.IP[:], p.Local.Scope))
	}
	if p.ECN != 0 && (p.Addr.Family == AF_INET || p.Addr.Is4In6()) {
		b = appendMessage(b, IPPROTO_IP, IP_TOS, []byte{p.ECN})
	} else if p.ECN != 0 {
		b = appendMessage(b, IPPROTO_IPV6, ipv6Class, binary.NativeEndian.AppendUint32(nil, uint32(p.ECN)))
	}
	if p.Segment != 0 {
		b = appendMessage(b, IPPROTO_UDP, UDP_GRO, binary.NativeEndian.AppendUint32(nil, uint32(p.Segment)))
	}
	return b
}
