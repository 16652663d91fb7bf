package sim

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// This file implements keep-alive as on Linux: if SO_KEEPALIVE is on, a connection probes a silent
// peer while it has no data to send. A program cannot notice a probe that is answered. So the
// simulator sends no probes while the peer would answer. Therefore a world counts as idle even if
// it has such connections.
const (
	keepIdle     = 7200 // in seconds; TCP_KEEPIDLE changes it
	keepInterval = 75   // in seconds; TCP_KEEPINTVL changes it
	keepProbes   = 9
)

// lonely starts probing if the peer would not answer. It is called whenever that may have changed.
func (s *tcp) lonely() {
	if !s.probing && s.keeps() && !s.answered() {
		s.probes, s.probed = 0, s.h.w.now
		s.probeIn(kernel.TCP_KEEPIDLE, keepIdle)
	}
}

// keeps returns whether the connection uses keep-alive.
func (s *tcp) keeps() bool {
	return s.phase == up && !s.unknown() && s.peer != nil && get(s.opts, kernel.SOL_SOCKET, kernel.SO_KEEPALIVE) != 0
}

// answered returns whether the peer would answer a probe, and not by a reset.
func (s *tcp) answered() bool {
	return s.h.w.reaches(s.h, s.peer.h) && !s.peer.unknown() && s.peer.phase != down
}

// reaches returns whether packets pass in both directions.
func (w *World) reaches(a, b *Host) bool { return w.passes(a, b) && w.passes(b, a) }

func (s *tcp) probeIn(option, otherwise int) {
	sec := otherwise
	if v := get(s.opts, kernel.IPPROTO_TCP, option); v > 0 {
		sec = v
	}
	s.probing = true
	s.h.w.events.add(s.h.w.now+int64(sec)*int64(time.Second), s, actProbe, 0, 0)
}

// probe sends a probe. It sends none while data is sent again, which has the same effect.
func (s *tcp) probe() {
	s.probing = false
	switch w := s.h.w; {
	case !s.keeps() || s.answered() || s.acked < s.wrote:
	case w.reaches(s.h, s.peer.h): // the peer does not know the connection any more
		w.send(s, actRST, 0, 0, s.peer.h)
	case s.givesUp():
		s.fail(kernel.ETIMEDOUT)
	default:
		s.probes++
		s.probeIn(kernel.TCP_KEEPINTVL, keepInterval)
	}
}

// givesUp returns whether enough probes had no answer: TCP_KEEPCNT of them, or all of them for the
// time of TCP_USER_TIMEOUT.
func (s *tcp) givesUp() bool {
	if d := s.userTimeout(); d > 0 {
		return s.probes > 0 && s.h.w.now-s.probed >= d
	}
	most := keepProbes
	if v := get(s.opts, kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT); v > 0 {
		most = v
	}
	return s.probes >= most
}

// userTimeout returns how long data may wait for an acknowledgement. 0 means the default.
func (s *tcp) userTimeout() int64 {
	return int64(get(s.opts, kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT)) * int64(time.Millisecond)
}

// lonely is called when the network has changed. It calls lonely of all connections.
func (w *World) lonely() {
	for _, h := range w.hosts {
		for _, f := range h.files {
			if s, ok := f.(*tcp); ok {
				s.lonely()
			}
		}
	}
}
