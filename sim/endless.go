package sim

import (
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Endless gives the descriptor a peer that never pauses: after each receive there is more input at
// once. A stream receives the bytes of data repeatedly. A datagram socket receives data as a
// datagram repeatedly. A listener gets one connection after the other, and data is not used. The
// peer stops when the connection is closed, or when the real peer sends its FIN.
func (h *Host) Endless(fd int, data []byte) Errno {
	f := h.file(fd)
	if f == nil {
		return kernel.EBADF
	}
	if n, _ := h.getOpt(f, kernel.SOL_SOCKET, kernel.SO_ACCEPTCONN); n == 0 && len(data) == 0 {
		panic("sim: Endless without data: only a listener needs none")
	}
	var more func()
	switch s := f.(type) {
	case *tcp:
		more = func() { s.flood(data) }
	case *udp:
		more = func() { s.flood(data) }
	case *unixSocket:
		more = func() { s.flood(data) }
	default:
		return kernel.EOPNOTSUPP
	}
	f.base().more = more
	more()
	return 0
}

// refill runs after each call that may have received something.
func (n *node) refill() {
	if n.more != nil {
		n.more()
	}
}

func (s *tcp) flood(data []byte) {
	if s.phase == listening {
		for len(s.queue) <= s.backlog {
			s.queue = append(s.queue, s.stranger())
			s.wake(poller.In)
		}
		return
	}
	if s.phase != up || s.gotFIN || s.rdShut {
		return
	}
	for s.in.len() < max(s.rcvbuf/2, 1) {
		s.in.add(data)
	}
	s.wake(poller.In)
}

// A stranger is a connection to a listener whose other end belongs to no host. That end accepts all
// output and sends nothing.
func (s *tcp) stranger() *tcp {
	h := s.h
	far, near := h.newTCP(s.family), h.newTCP(s.family)
	for _, c := range []*tcp{far, near} {
		c.node.h, c.life, c.self = h, h.life, c
		c.phase = up
	}
	h.strangers++
	ip := s.local.Addr()
	if !ip.IsValid() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	near.local = netip.AddrPortFrom(ip, s.local.Port())
	near.remote = netip.AddrPortFrom(ip, uint16(1+h.strangers%ephemeralFirst))
	far.local, far.remote = near.remote, near.local
	near.peer, far.peer = far, near
	near.bound, near.waiting = true, true
	return near
}

func (s *udp) flood(data []byte) {
	from := s.remote
	if !from.IsValid() {
		from = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 9)
	}
	for was := -1; was != len(s.queue); {
		was = len(s.queue)
		s.put(from, netip.Addr{}, gram{data: data})
	}
}

func (s *unixSocket) flood(data []byte) {
	switch {
	case !s.stream:
		from := &unixSocket{} // a socket without a name; no sender waits for room in it
		for len(s.grams) < gramsMost[s.h.os()] && !s.rdOver {
			s.grams = append(s.grams, gram{from: Addr{Family: kernel.AF_UNIX}, data: append([]byte(nil), data...), by: from})
			s.wake(poller.In)
		}
	case s.phase == listening:
		for len(s.queue) <= s.backlog {
			far := &unixSocket{stream: true, phase: up, remote: s.path, sndbuf: s.sndbuf}
			near := &unixSocket{stream: true, phase: up, path: s.path, peer: far, sndbuf: s.sndbuf}
			far.peer = near
			for _, c := range []*unixSocket{far, near} {
				c.node.h, c.life, c.self = s.h, s.h.life, c
			}
			s.queue = append(s.queue, near)
			s.wake(poller.In)
		}
	case s.phase == up && s.peer != nil:
		for e, p := Errno(0), s.peer; e == 0 && (s.in.len() == 0 || p.used+len(data) <= p.sndbuf); {
			_, e = p.send(data, Addr{}, nil)
		}
	}
}
