package sim

import "time"

// finAckLeast is the least delay of the acknowledgement of a FIN, and finAckSpread is by how much
// the delay varies (observed: 2 to 65 ms).
const (
	finAckLeast  = int64(4 * time.Millisecond)
	finAckSpread = int64(40 * time.Millisecond)
)

// fin handles the arrival of the FIN at the peer.
func (s *tcp) fin(round uint64) {
	if !s.arrives(round) {
		return
	}
	p := s.peer
	s.h.w.packet(s.h, p.h, "FIN", 0)
	s.finLanded = true
	p.gotFIN = true
	p.wake(0)
	if p.h.os() == Linux && !p.finWant {
		s.holdFIN()
	} else {
		s.acknowledge()
	}
	p.settle()
}

// holdFIN delays the acknowledgement of the FIN. Linux delays it if the peer has not sent its own
// FIN: the next packet of the peer acknowledges both.
func (s *tcp) holdFIN() {
	p := s.peer
	s.finHeld = true
	r := p.h.dice(kindCount, 0, s.h, s.h.w.nth(p.h.way(s.h).packets), s.h.w.of(int(p.local.Port())))
	at := s.h.w.now + finAckLeast + r.N(finAckSpread)
	s.h.w.events.add(at+s.h.w.latency(p.h, s.h), s, actFINAck, 0, 0)
}

// ended is called when the peer has acknowledged the FIN. Linux then wakes the Pollers because the
// state has changed, for example from FIN_WAIT_1 to FIN_WAIT_2.
func (s *tcp) ended() {
	if !s.finAcked && s.h.os() == Linux {
		s.wake(0)
	}
	s.finAcked = true
	s.delivered()
}

// lostFIN sends the FIN again after a crash of the peer, which had not acknowledged the FIN yet.
func (s *tcp) lostFIN() {
	if s.finHeld {
		s.finHeld, s.finLanded = false, false
		s.retry()
	}
}
