package sim

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// push sends as many bytes as the peer has room for. After the last byte it sends the FIN. On Linux
// the FIN needs room for one byte.
func (s *tcp) push() {
	p := s.peer
	if s.phase != up || p == nil || s.stalled || p.phase == connecting {
		return
	}
	room := func() int {
		n := p.rcvbuf - p.in.len() - int(s.sent-s.landed)
		if s.sent == s.landed && (p.unknown() || p.phase != up) { // a probe for room gets no answer
			n = max(n, 1)
		}
		return n
	}
	for s.sent < s.wrote {
		n := min(int(s.wrote-s.sent), room(), s.piece())
		if n <= 0 {
			return
		}
		s.sent += uint64(n)
		s.transmit(actLand, n, packetOdds{reset: s.h.odds.Reset})
	}
	if s.finWant && !s.finSent && (room() > 0 || s.h.os() != Linux) {
		s.finSent = true
		s.transmit(actFIN, 0, packetOdds{reset: s.h.odds.Reset, late: s.h.odds.SlowFIN, slow: int64(time.Second)})
	}
}

// transmit sends a packet. It decides at once when and whether the packet arrives.
func (s *tcp) transmit(what uint8, n int, odds packetOdds) {
	f := s.h.fate(s.peer.h, odds, s, what, n)
	at := s.arrival(n)
	if f.late > 0 {
		at += f.late
		s.lastAt = at
	}
	switch {
	case f.lost:
		what = actLost
	case f.reset:
		what = actCutOff
	case s.peer.finHeld: // the packet also acknowledges the peer's FIN
		s.h.w.events.add(at, s.peer, actFINAck, 0, 0)
	}
	s.h.w.events.add(at, s, what, int64(n), s.round)
}

// segment is how many bytes arrive at most at once. pieces is that number on an Ethernet.
const (
	segment = 32 << 10
	pieces  = 1448
)

// piece returns how many bytes of the stream arrive at most at once.
func (s *tcp) piece() int {
	switch v := s.h.way(s.peer.h); {
	case s.h == s.peer.h:
		return segment
	case v.mtu > 0:
		return v.mtu
	}
	return s.h.w.opt.Segment
}

// arrival returns when the next packet of n bytes arrives. It never arrives before the packet that
// was sent before it.
func (s *tcp) arrival(n int) int64 {
	w := s.h.w
	at := w.queued(s.h, s.peer.h, n)
	if bw := w.opt.Bandwidth; bw > 0 && s.h != s.peer.h {
		s.busyAt = max(s.busyAt, at) + int64(n)*1e9/bw
		at = s.busyAt
	}
	s.lastAt = max(at+w.latency(s.h, s.peer.h), s.lastAt)
	return s.lastAt
}

// arrives returns whether a packet of this round reaches the peer. A lost packet is sent again
// later. If the peer does not have the connection any more, it answers with a reset.
func (s *tcp) arrives(round uint64) bool {
	w, p := s.h.w, s.peer
	if round != s.round || s.unknown() {
		return false
	}
	if !w.passes(s.h, p.h) {
		s.lose()
		return false
	}
	if p.unknown() || p.phase != up { // the peer's side is closed
		w.send(s, actRST, 0, 0, p.h)
		s.retry()
		return false
	}
	s.tries, s.since = 0, 0
	return true
}

// cutOff handles a packet that the other host answers with a reset: it closes both ends.
func (s *tcp) cutOff(round uint64) {
	if s.arrives(round) {
		s.wasReset()
		s.peer.wasReset()
	}
}

func (s *tcp) lose() {
	s.h.w.packet(s.h, s.peer.h, "lost", 0)
	s.retry()
}

// retry withdraws the bytes that are on the way, and plans to send them again later. Either the
// bytes were lost, or the peer's answer, a reset, was lost.
func (s *tcp) retry() {
	w := s.h.w
	s.round++
	s.sent, s.finSent, s.lastAt = s.landed, s.finLanded, 0
	if s.phase != up {
		return
	}
	if s.tries == 0 {
		s.since = w.now
	}
	until := int64(retryUntil)
	if d := s.userTimeout(); d > 0 {
		until = d
	}
	if w.now-s.since >= until {
		s.fail(kernel.ETIMEDOUT)
		return
	}
	wait := min(retryFirst<<min(s.tries, 10), retryMost)
	wait = min(wait, max(s.since+until-w.now, 1))
	s.tries++
	s.stalled = true
	w.events.add(w.now+wait, s, actRetry, 0, s.round)
}

// land handles the arrival of n bytes at the peer.
func (s *tcp) land(n int, round uint64) {
	if !s.arrives(round) {
		return
	}
	p := s.peer
	s.h.w.packet(s.h, p.h, "bytes", n)
	if p.closed { // no program will read the bytes
		p.reset()
		s.retry()
		return
	}
	if p.rdShut && p.finWant { // RFC 1122: data after both shutdowns is answered with a reset
		p.tell(kernel.ECONNRESET)
		s.retry()
		return
	}
	p.in.add(s.out.at(int(s.landed-s.acked), n))
	s.landed += uint64(n)
	p.wake(poller.In)
	s.acknowledge()
}

// acknowledge notifies the other end how much has arrived.
func (s *tcp) acknowledge() {
	if !s.acking {
		s.acking = true
		s.h.w.events.add(s.h.w.now+s.h.w.latency(s.peer.h, s.h), s, actAck, 0, 0)
	}
}

func (s *tcp) acknowledged() {
	w := s.h.w
	if s.phase != up || s.unknown() {
		return
	}
	if !w.passes(s.peer.h, s.h) && !s.peer.unknown() {
		w.events.add(w.now+retryFirst, s, actAck, 0, 0)
		return
	}
	s.acking = false
	s.out.drop(int(s.landed - s.acked))
	s.acked = s.landed
	if s.finLanded && !s.finHeld {
		s.ended()
	}
	if s.noSpace && s.room() >= s.sndbuf/3 {
		s.noSpace = false
		s.wake(poller.Out)
	}
	s.push()
	s.settle()
}

// settle ends a connection that was closed and has delivered everything.
func (s *tcp) settle() {
	if s.closed && s.phase == up && s.over() {
		s.phase = down
		if s.second {
			s.freePort()
			return
		}
		s.h.w.events.add(s.h.w.now+timeWait, s, actPort, 0, 0)
	}
}

// reset ends this side of the connection and sends an RST.
func (s *tcp) reset() {
	if s.phase != up {
		return
	}
	s.abandon(down)
	at := s.h.w.now + s.h.w.latency(s.h, s.peer.h)
	s.h.w.events.add(max(at, s.lastAt), s.peer, actRST, 0, 0) // after the packets that are on the way
}

// tell does what reset does, and also sets the pending error of this side.
func (s *tcp) tell(e Errno) {
	s.reset()
	s.err = e
	s.wake(0)
}

// abandon drops the bytes that were not sent yet. Bytes that are on the way may still arrive.
func (s *tcp) abandon(to phase) {
	s.phase = to
	s.out.keep(int(s.sent - s.acked))
	s.wrote = s.sent
	s.delivered()
	if s.closed || s.fd == 0 {
		s.freePort()
	}
}

func (s *tcp) freePort() { s.h.releasePort(&s.inet, s.life) }

// wasReset handles an RST of the peer. A lost RST is not repeated. The other end gets a new one
// when it sends.
func (s *tcp) wasReset() {
	if s.unknown() || s.h.down || s.over() {
		return
	}
	if s.phase == connecting {
		s.refused(kernel.ECONNREFUSED)
		return
	}
	e := kernel.ECONNRESET
	if s.gotFIN && (!s.finWant || s.h.os() != Linux) {
		e = kernel.EPIPE
	}
	if s.peer != nil && !s.h.w.passes(s.peer.h, s.h) && !s.peer.unknown() {
		s.push()
		s.lonely()
		return
	}
	if s.phase == up {
		s.h.w.packet(s.peer.h, s.h, "RST", 0)
	}
	s.fail(e)
}

// fail ends the connection with an error.
func (s *tcp) fail(e Errno) {
	if s.phase != up {
		return
	}
	s.err = e
	s.abandon(down)
	s.wake(0)
	if e == kernel.ETIMEDOUT && s.peer != nil { // the peer does not notice
		s.peer.lonely()
	}
}
