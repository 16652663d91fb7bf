package socket

import (
	"fmt"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// ControlMost limits the control data of SendMsg and RecvMsg, in bytes. The system may have a lower
// limit.
const ControlMost = 64 << 10

// A Message has what RecvMsg receives beside the data.
type Message struct {
	Control []byte // control messages (cmsg(3))
	Flags   int    // MSG_TRUNC: some data is lost; MSG_CTRUNC: some control data is lost; and others
	From    Addr   // the sender of a datagram
}

// Rights returns the descriptors that were passed with the data (SCM_RIGHTS). They are
// close-on-exec, and belong to the caller.
func (m *Message) Rights() []int { return kernel.RightsIn(m.Control) }

// Rights returns control data that passes descriptors over a Unix socket (SCM_RIGHTS). The peer
// gets descriptors of its own. So the caller may close its descriptors when the data is sent.
func Rights(fds ...int) []byte { return kernel.Rights(fds...) }

// RecvMsg is RecvFromInto that also receives control data, of at most `room` bytes (recvmsg(2)).
// The control data has memory of its own. If some descriptors do not fit in it, they are closed.
func (s *Socket) RecvMsg(p []byte, room, flags int) (int, Message, error) {
	if room < 0 || room > ControlMost {
		return 0, Message{}, badValue(opRecvMsg, "room of %d bytes for control data must be 0 … %d", room, ControlMost)
	}
	if !flagsFit(flags) {
		return 0, Message{}, badFlags(opRecvMsg, flags)
	}
	m := &kernel.Packet{Buf: p, Control: make([]byte, room)}
	c := s.startWith(flags)
	_, e := s.d.Do(desc.In, &c, func() (int, desc.Errno) {
		e := s.d.Kernel.RecvMsg(s.d.FD, m, flags)
		return m.N, e
	})
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, Message{}, fail(opRecvMsg, e)
	}
	return m.N, Message{Control: m.Control[:m.ControlN], Flags: m.Flags, From: Addr{a: m.Addr}}, nil
}

// SendMsg is SendTo with control data (sendmsg(2)). On a stream, and with the zero Addr, it sends
// to the peer. A stream may accept only a part of p. The control data is sent with the first byte
// of p.
func (s *Socket) SendMsg(p, control []byte, flags int, a Addr) (int, error) {
	if len(control) > ControlMost {
		return 0, badValue(opSendMsg, "control data of %d bytes must have at most %d", len(control), ControlMost)
	}
	if len(control) > 0 && len(p) == 0 && s.connects() {
		return 0, badValue(opSendMsg, "control data on a stream must come with at least 1 byte of data")
	}
	if !flagsFit(flags) {
		return 0, badFlags(opSendMsg, flags)
	}
	var to kernel.Addr
	if a != (Addr{}) && !s.connects() {
		var wrong desc.Errno
		var err error
		if to, wrong, err = s.address(opSendMsg, a); err != nil {
			return 0, err
		} else if wrong != 0 {
			return 0, fail(opSendMsg, wrong)
		}
	}
	m := &kernel.Packet{Addr: to, Control: control, ControlN: len(control)}
	c := s.startWith(flags)
	c.P = p
	send := func() (int, desc.Errno) {
		m.Buf, m.N = c.P, len(c.P)
		e := s.d.Kernel.SendMsg(s.d.FD, m, flags)
		return m.N, e
	}
	n, e := s.d.Do(desc.Out, &c, func() (int, desc.Errno) {
		n, e := send()
		if s.family == AF_UNIX && !s.connects() && (e == kernel.EAGAIN || e == kernel.ENOBUFS) {
			e = full
		}
		return n, e
	})
	if e == full {
		c.P = s.d.Own(c.P)
		n, e = s.crowded(c.Limit, send)
	}
	runtime.KeepAlive(s)
	if e == kernel.ENOBUFS && len(control) > 0 {
		return 0, fmt.Errorf("%w: %d bytes of control data may be more than the system allows", fail(opSendMsg, e), len(control))
	}
	if e != 0 {
		return 0, fail(opSendMsg, e)
	}
	return n, nil
}
