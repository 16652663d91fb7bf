package sim

import (
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

func (s *tcp) connect(to netip.AddrPort) Errno {
	switch s.phase {
	case connecting:
		return kernel.EALREADY
	case up:
		if s.h.os() == Linux && !s.connected { // this call returns the result of the attempt
			s.connected = true
			return 0
		}
		return kernel.EISCONN
	case listening:
		return kernel.EISCONN
	case down, silent:
		switch {
		case s.h.os() == NetBSD && s.peer == nil: // after a failed attempt a socket cannot connect again
			return kernel.EINVAL
		case s.h.os() == FreeBSD && s.peer == nil:
			s.disconnect()
			return s.connect(to)
		}
		if s.peer != nil {
			if s.err != 0 {
				return s.fault()
			}
			return kernel.EISCONN
		}
		e := s.fault()
		if e == 0 { // another call has returned the error
			e = kernel.ECONNABORTED
		}
		s.disconnect()
		return e
	}
	if to.Addr().IsMulticast() {
		return kernel.ENETUNREACH
	}
	from, e := s.h.route(&s.inet, s, true, to)
	if e != 0 {
		return e
	}
	if !to.Addr().IsValid() {
		to = netip.AddrPortFrom(from.Addr(), to.Port())
	}
	s.local, s.remote = from, to
	s.phase, s.tries = connecting, 0
	if s.h.os() == FreeBSD && s.far() == s.h {
		return s.atOnce()
	}
	s.h.w.send(s, actSYN, 0, 0, s.far())
	return kernel.EINPROGRESS
}

// atOnce connects to the host itself on FreeBSD. If the attempt has failed, the call returns the
// error of the attempt.
func (s *tcp) atOnce() Errno {
	s.syn(false)
	switch {
	case s.phase == down:
		return s.fault()
	case s.phase == connecting:
		return kernel.EINPROGRESS
	}
	return 0
}

// disconnect makes a socket new again after a failed connect, as the kernel does when connect(2)
// returns the error.
func (s *tcp) disconnect() {
	s.unbind()
	if !s.bound {
		s.local = netip.AddrPortFrom(s.local.Addr(), 0)
		if !s.fixedAddr {
			s.local = netip.AddrPort{}
		}
	}
	s.phase, s.remote = fresh, netip.AddrPort{}
	s.wake(0)
}

// unbind frees a port that the kernel has chosen, as the kernel does when the connection is closed.
func (s *tcp) unbind() {
	if s.bound && !s.fixedPort {
		s.freePort()
		s.bound = false
	}
}

// far returns the host at the other end.
func (s *tcp) far() *Host { return s.h.machine(s.remote.Addr()) }

// send schedules the arrival of a packet at the host `to`. The actor of that host handles the
// packet.
func (w *World) send(s *tcp, what uint8, a int64, b uint64, to *Host) {
	at := w.now + int64(w.opt.Latency)
	if to != nil {
		at = w.now + w.latency(s.h, to)
	}
	w.events.add(at, s, what, a, b)
}

// shaking is the packetOdds for the packets of a handshake.
var shaking = packetOdds{}

// syn handles the first packet, at the other host.
func (s *tcp) syn(wasLate bool) {
	if s.phase != connecting || s.closed {
		return
	}
	w, to := s.h.w, s.far()
	if to == nil { // no host has the address
		w.events.add(w.now+int64(3*time.Second), s, actRefused, int64(kernel.EHOSTUNREACH), 0)
		return
	}
	f := fate{}
	if !wasLate {
		f = s.h.fate(to, shaking, s, actSYN, 0)
	}
	switch {
	case f.late > 0:
		w.events.add(w.now+f.late, s, actSYN, 1, 0)
		return
	case f.reset:
		s.refused(kernel.ECONNREFUSED)
		return
	}
	var l *tcp
	if w.passes(s.h, to) && w.passes(to, s.h) && !f.lost {
		w.packet(s.h, to, "SYN", 0)
		if l = to.listener(s.remote, s.local); l == nil && to == s.h && to.os() == FreeBSD {
			s.refused(kernel.ECONNREFUSED)
			return
		} else if l == nil {
			w.events.add(w.now+w.latency(to, s.h), s, actRefused, int64(kernel.ECONNREFUSED), 0)
			return
		}
	}
	if l == nil || to.os() != FreeBSD && len(l.queue)+l.coming > l.h.seats(l.backlog) {
		if s.tries++; s.tries >= synTries {
			s.refused(kernel.ETIMEDOUT)
			return
		}
		w.events.add(w.now+int64(time.Second)<<(s.tries-1), s, actSYN, 0, 0)
		return
	}
	l.coming++
	c := to.newTCP(l.family)
	c.node.h, c.life, c.self = to, to.life, c
	c.sndbuf, c.rcvbuf, c.lowat = l.sndbuf, l.rcvbuf, l.lowat
	c.reuseAddr, c.reusePort, c.linger, c.waits = l.reuseAddr, l.reusePort, l.linger, l.waits
	for _, o := range l.opts {
		if to.os() != NetBSD || o.name != kernel.TCP_KEEPIDLE || o.level != kernel.IPPROTO_TCP {
			c.opts = append(c.opts, o)
		}
	}
	c.local, c.remote, c.bound = s.remote, s.local, true
	to.ports.claim(&c.inet, c, true, false)
	c.phase, c.peer, c.parent, c.connected = up, s, l, true
	if to == s.h && to.os() == FreeBSD {
		c.synack(0, false)
		return
	}
	w.send(c, actSYNACK, 0, 0, s.h)
}

// seats returns how many connections may wait in the queue of a listener.
func (h *Host) seats(backlog int) int {
	if h.os() == Linux {
		return backlog
	}
	return 3 * backlog / 2
}

// synack handles the answer at the first host. s is the end that has sent the answer.
func (s *tcp) synack(tries int, wasLate bool) {
	w, c := s.h.w, s.peer
	if s.phase != up {
		return
	}
	f := fate{}
	if !wasLate {
		f = s.h.fate(c.h, shaking, s, actSYNACK, 0)
	}
	if f.late > 0 {
		w.events.add(w.now+f.late, s, actSYNACK, int64(tries), 1)
		return
	}
	if f.lost || !w.passes(s.h, c.h) {
		if tries < synTries {
			w.events.add(w.now+int64(time.Second)<<tries, s, actSYNACK, int64(tries+1), 0)
			return
		}
		s.parent.coming--
		s.abandon(down)
		c.refused(kernel.ETIMEDOUT)
		return
	}
	if f.reset {
		s.parent.coming--
		s.abandon(down)
		c.refused(kernel.ECONNREFUSED)
		return
	}
	if c.phase != connecting || c.closed { // the client has given up
		s.parent.coming--
		s.abandon(down)
		return
	}
	w.packet(s.h, c.h, "SYN-ACK", 0)
	c.phase, c.peer, c.tries = up, s, 0
	defer c.push()
	defer c.wake(0)
	if c.h == s.h {
		s.ack3(0)
		return
	}
	at := w.now + w.latency(c.h, s.h)
	if s.h.hazard {
		s.h.shakes++
		nth, of := w.nth(s.h.shakes), w.of(int(s.remote.Port()))
		r := s.h.dice(SlowAccept, 0, nil, nth, of)
		f := Fault{Kind: SlowAccept, Host: s.h.name, Of: of, Nth: nth, Delay: time.Duration(r.N(int64(time.Second)))}
		if w.happens(&f, r.Chance(s.h.odds.SlowAccepts), true) {
			at += int64(f.Delay)
		}
	}
	w.events.add(at, s, actACK, 0, 0)
}

// ack3 handles the last packet of the handshake at the listener.
func (s *tcp) ack3(tries int) {
	w, l := s.h.w, s.parent
	if s.h.life != s.life || s.h.down {
		return
	}
	if s.phase == up && !w.passes(s.peer.h, s.h) && tries < synTries {
		w.events.add(w.now+int64(time.Second)<<tries, s, actACK, int64(tries+1), 0)
		return
	}
	s.parent = nil
	l.coming--
	if l.phase != listening || l.closed || l.shut { // the listener was closed meanwhile
		s.reset()
		return
	}
	if l.h.os() == FreeBSD && len(l.queue) > l.h.seats(l.backlog) {
		// FreeBSD checks the queue when the last packet arrives.
		s.closed = true
		s.reset()
		return
	}
	s.waiting = true
	l.queue = append(l.queue, s)
	l.wake(poller.In)
}

// refused ends a connect that has failed.
func (s *tcp) refused(e Errno) {
	if s.phase != connecting {
		return
	}
	s.phase, s.err, s.peer = down, e, nil
	if s.closed {
		s.freePort()
	}
	s.wake(0)
}

// listener returns the listener at an address. If several listeners share the port, a hash of the
// client's address chooses one.
func (h *Host) listener(at, from netip.AddrPort) *tcp {
	u := h.ports.at(at.Port(), true)
	if u == nil {
		return nil
	}
	var found []*tcp
	exact := false
	for _, l := range u.listeners {
		if l.phase != listening || l.shut || !l.takes(at.Addr()) {
			continue
		}
		if sure := l.local.Addr().IsValid(); sure != exact {
			if !sure {
				continue
			}
			exact, found = true, nil
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		return nil
	}
	return found[int(from.Port())%len(found)]
}

func (s *tcp) listen(backlog int) Errno {
	switch s.phase {
	case fresh, listening:
	default:
		return kernel.EINVAL
	}
	if s.phase == fresh {
		if !s.bound {
			if _, e := s.h.route(&s.inet, s, true, netip.AddrPort{}); e != 0 {
				return kernel.EADDRINUSE
			}
		}
		for _, l := range s.seat.p.listeners {
			if l != s && l.overlaps(&s.inet) && !(l.reusePort && s.reusePort) {
				return kernel.EADDRINUSE
			}
		}
	}
	s.phase = listening
	s.backlog = s.h.backlog(backlog)
	s.h.ports.listening(s)
	return 0
}

func (s *tcp) accept() (*tcp, Errno) {
	if s.phase != listening {
		return nil, kernel.EINVAL
	}
	if s.shut {
		return nil, kernel.ECONNABORTED
	}
	if len(s.queue) == 0 || s.deaf > s.h.w.now {
		return nil, kernel.EAGAIN
	}
	c := s.queue[0]
	s.queue = append(s.queue[:0], s.queue[1:]...)
	c.waiting = false
	if s.h.os() != Linux && c.phase == down {
		c.closed = true
		c.freePort()
		return nil, kernel.ECONNABORTED
	}
	return c, 0
}

// backlog returns the length of the queue after listen(2) with n.
func (h *Host) backlog(n int) int {
	if h.os() == Linux {
		if n < 0 { // Linux treats n as unsigned
			n = linuxSomaxconn
		}
		return min(n, linuxSomaxconn)
	}
	return min(max(n, 0), somaxconn)
}

// The limits are net.core.somaxconn of Linux, and the limit of FreeBSD and NetBSD.
const (
	linuxSomaxconn = 4096
	somaxconn      = 128
)
