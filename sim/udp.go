package sim

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A udp is a datagram socket of IP.
type udp struct {
	node
	inet
	err    Errno
	queue  []gram
	size   int // bytes in its queue
	rcvbuf int
	most   int  // the most bytes of one datagram
	quiet  bool // the host does not receive the multicasts of this socket
	tells  bool // it reports the address that a datagram was sent to
	marks  bool // it reports ECN

	rdShut bool
	wrShut bool
}

// broadcast is the address of all hosts. A world has only one network.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// A membership is the membership of a socket in a multicast group.
type membership struct {
	group netip.Addr
	s     *udp
}

// gramCost is how much of a buffer a datagram uses in addition to its bytes.
const gramCost = 256

// gramRoom is the smallest buffer of a datagram socket (net.core.rmem_default).
const gramRoom = 208 << 10

func (s *udp) what() string { return fmt.Sprintf("udp %s → %s", s.told(s.local), s.told(s.remote)) }

func (s *udp) status() status {
	return status{in: len(s.queue) > 0, out: true, errno: s.err, rdEnd: s.rdShut, wrEnd: s.wrShut}
}

func (s *udp) close()  { s.h.ports.release(&s.inet); s.leaveAll() }
func (s *udp) vanish() {}

func (s *udp) leaveAll() {
	left := s.h.groups[:0]
	for _, m := range s.h.groups {
		if m.s != s {
			left = append(left, m)
		}
	}
	s.h.groups = left
}

func (s *udp) connect(to netip.AddrPort) Errno {
	from, e := s.h.route(&s.inet, s, false, to)
	if e != 0 {
		return e
	}
	if !to.Addr().IsValid() {
		to = netip.AddrPortFrom(from.Addr(), to.Port())
	}
	s.local, s.remote = from, to
	return 0
}

// send sends from the address that d contains. If the host does not have this address, the route
// determines the address.
func (s *udp) send(p []byte, to Addr, d details) (int, Errno) {
	// As on Linux, the socket gets its port before any error.
	if e := s.h.bound(&s.inet, s, false, netip.AddrPort{}, netip.AddrPort{}); e != 0 {
		return 0, e
	}
	if s.err != 0 {
		e := s.err
		s.err = 0
		return 0, e
	}
	dest := s.remote
	if to.Family != 0 {
		if s.h.os() != Linux && s.remote.IsValid() {
			return 0, kernel.EISCONN
		}
		var e Errno
		if dest, e = s.plain(to); e != 0 {
			return 0, e
		}
	}
	most := min(s.most, 65507)
	if dest.Addr().Is6() {
		most = min(s.most, 65527)
	}
	switch {
	case s.wrShut:
		return 0, kernel.EPIPE
	case dest == netip.AddrPort{}:
		return 0, kernel.EDESTADDRREQ
	case dest.Port() == 0:
		return 0, kernel.EINVAL
	case len(p) > most:
		return 0, kernel.EMSGSIZE
	}
	if dest.Addr() == broadcast && get(s.opts, kernel.SOL_SOCKET, kernel.SO_BROADCAST) == 0 {
		return 0, kernel.EACCES
	}
	from, e := s.h.route(&s.inet, s, false, dest)
	if e != 0 {
		return 0, e
	}
	if !dest.Addr().IsValid() {
		dest = netip.AddrPortFrom(from.Addr(), dest.Port())
	}
	if d.local.Family != 0 {
		if own, e := s.plain(d.local); e == 0 && own.Addr().IsValid() && s.h.has(own.Addr()) {
			from = netip.AddrPortFrom(own.Addr(), from.Port())
		}
	}
	defer s.wake(poller.Out) // as if the network device had sent the datagram
	for _, part := range d.segments(p) {
		g := gram{data: append([]byte(nil), part...), ecn: d.ecn}
		if dest.Addr().IsMulticast() || dest.Addr() == broadcast {
			for _, h := range s.h.w.hosts {
				if h != s.h || !s.quiet {
					s.throw(h, from, dest, g)
				}
			}
		} else if to := s.h.machine(dest.Addr()); to != nil {
			s.throw(to, from, dest, g)
		}
	}
	return len(p), 0
}

// throw sends one datagram to a host, unless chance loses it.
func (s *udp) throw(to *Host, from, dest netip.AddrPort, g gram) {
	w := s.h.w
	var seen packeter
	if w.rules != nil || w.live != nil {
		seen = flying{from, dest, g.data}
	}
	f := s.h.fate(to, packetOdds{doubled: s.h.odds.Duplicate, late: s.h.odds.Reorder, slow: 20 * int64(w.opt.Latency)},
		seen, 0, 0)
	if f.lost || !w.passes(s.h, to) {
		w.packet(s.h, to, "lost", 0)
		return
	}
	copies := 1
	if f.doubled {
		copies = 2
	}
	life := to.life
	for i := range copies {
		at := w.queued(s.h, to, len(g.data)) + w.latency(s.h, to)
		if to == s.h && f == (fate{}) && s.h.os() == Linux { // then it has arrived when the call returns
			to.catch(s, from, dest, g)
			return
		}
		if i == 0 { // the copy overtakes the original
			at += f.late
		}
		w.events.add(at, call(func() {
			if !to.down && to.life == life && w.passes(s.h, to) {
				to.catch(s, from, dest, g)
			}
		}), 0, 0, 0)
	}
}

// catch handles the arrival of a datagram at its host.
func (h *Host) catch(sender *udp, from, dest netip.AddrPort, g gram) {
	h.w.packet(sender.h, h, "bytes in a datagram", len(g.data))
	if dest.Addr().IsMulticast() {
		for _, m := range h.groups {
			if m.group == dest.Addr() && m.s.local.Port() == dest.Port() {
				m.s.put(from, netip.Addr{}, g)
			}
		}
		return
	}
	if dest.Addr() == broadcast {
		if u := h.ports.at(dest.Port(), false); u != nil {
			for _, c := range u.claims {
				if r, ok := c.f.(*udp); ok && !r.local.Addr().IsValid() && r.takes(dest.Addr()) && (!r.remote.IsValid() || r.remote == from) {
					r.put(from, netip.Addr{}, g)
				}
			}
		}
		return
	}
	var best []*udp
	score := -1
	var sharing []claim
	if u := h.ports.at(dest.Port(), false); u != nil {
		sharing = u.claims
	}
	for _, c := range sharing {
		s, ok := c.f.(*udp)
		if !ok || !s.takes(dest.Addr()) {
			continue
		}
		points := 0
		if s.local.Addr().IsValid() {
			points++
		}
		if s.remote.IsValid() {
			if s.remote != from {
				continue
			}
			points += 2
		}
		if points > score {
			best, score = nil, points
		}
		if points == score {
			best = append(best, s)
		}
	}
	if len(best) > 0 {
		best[int(from.Port())%len(best)].put(from, dest.Addr(), g)
		return
	}
	if sender.remote == dest && h.w.passes(h, sender.h) { // only connected sockets get the ICMP error
		h.w.events.add(h.w.now+h.w.latency(h, sender.h), call(func() {
			if sender.life == sender.h.life {
				sender.err = kernel.ECONNREFUSED
				sender.wake(poller.Err)
			}
		}), 0, 0, 0)
	}
}

// put adds a datagram to the queue. If there is no room, the datagram is lost.
func (s *udp) put(from netip.AddrPort, asked netip.Addr, g gram) {
	if s.size+s.h.truesize(len(g.data)) > s.rcvbuf {
		return
	}
	s.size += s.h.truesize(len(g.data))
	g.from = s.told(from)
	if !s.marks {
		g.ecn = 0
	}
	if asked.IsValid() && s.tells {
		g.to = s.told(netip.AddrPortFrom(asked, 0))
	}
	s.queue = append(s.queue, g)
	s.wake(poller.In)
}

func (s *udp) recv(p []byte, flags int) (int, gram, Errno) {
	if s.err != 0 {
		e := s.err
		s.err = 0
		return 0, gram{}, e
	}
	if len(s.queue) == 0 || s.deaf > s.h.w.now {
		return 0, gram{}, kernel.EAGAIN
	}
	g := s.queue[0]
	n := copy(p, g.data)
	if flags&kernel.MSG_PEEK == 0 {
		s.queue = append(s.queue[:0], s.queue[1:]...)
		s.size -= s.h.truesize(len(g.data))
	}
	if flags&kernel.MSG_TRUNC != 0 {
		n = len(g.data)
	}
	return n, g, 0
}

func (s *udp) shutdown(how int) Errno {
	e := Errno(0)
	if !s.remote.IsValid() {
		e = kernel.ENOTCONN
	}
	if e != 0 && s.h.os() != FreeBSD { // on FreeBSD the call still has its effect
		return e
	}
	s.rdShut = s.rdShut || how != kernel.SHUT_WR
	s.wrShut = s.wrShut || how != kernel.SHUT_RD
	s.wake(0)
	return e
}

// gramMost returns the size of the largest datagram that a new UDP socket can send. On the BSDs
// this is the size of its send buffer (net.inet.udp.maxdgram).
func (h *Host) gramMost() int {
	if h.os() == Linux {
		return math.MaxInt
	}
	return 9216
}

// join joins a multicast group, or leaves it if in is false.
func (s *udp) join(group netip.Addr, in bool) Errno {
	if !group.IsMulticast() {
		return kernel.EINVAL
	}
	for i, m := range s.h.groups {
		if m.s == s && m.group == group {
			if in {
				return kernel.EADDRINUSE
			}
			s.h.groups = append(s.h.groups[:i:i], s.h.groups[i+1:]...)
			return 0
		}
	}
	if !in {
		return kernel.EADDRNOTAVAIL
	}
	s.h.groups = append(s.h.groups, membership{group, s})
	return 0
}
