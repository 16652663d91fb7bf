package sim

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Keep-alive as Linux has it, where SO_KEEPALIVE is on: a connection on which nothing is owed
// probes a silent peer. Probes that are answered change nothing a program can see, so there are
// none while the peer would answer: a quiet world is idle although its connections are kept alive.
const (
	keepIdle     = 7200 // seconds, unless TCP_KEEPIDLE says otherwise
	keepInterval = 75   // TCP_KEEPINTVL
	keepProbes   = 9
)

// lonely begins to probe if the peer does not answer any more; it is called whenever that may be
// so.
func (s *tcp) lonely() {
	if !s.probing && s.keeps() && !s.answered() {
		s.probes = 0
		s.probeIn(kernel.TCP_KEEPIDLE, keepIdle)
	}
}

// keeps tells whether the connection is one that is kept alive.
func (s *tcp) keeps() bool {
	return s.phase == up && !s.unknown() && s.peer != nil && get(s.opts, kernel.SOL_SOCKET, kernel.SO_KEEPALIVE) != 0
}

// answered tells whether a probe would be, other than by a reset.
func (s *tcp) answered() bool {
	return s.h.w.reaches(s.h, s.peer.h) && !s.peer.unknown() && s.peer.phase != down
}

// reaches tells whether packets go both ways.
func (w *World) reaches(a, b *Host) bool { return w.passes(a, b) && w.passes(b, a) }

func (s *tcp) probeIn(option, otherwise int) {
	sec := otherwise
	if v := get(s.opts, kernel.IPPROTO_TCP, option); v > 0 {
		sec = v
	}
	s.probing = true
	s.h.w.events.add(s.h.w.now+int64(sec)*int64(time.Second), s, actProbe, 0, 0)
}

// probe asks whether the peer is still there. What is owed asks as well, so then there is no need.
func (s *tcp) probe() {
	s.probing = false
	switch w := s.h.w; {
	case !s.keeps() || s.answered() || s.acked < s.wrote:
	case w.reaches(s.h, s.peer.h): // nobody knows the connection
		w.send(s, actRST, 0, 0, s.peer.h)
	case s.probes == keepProbes:
		s.fail(kernel.ETIMEDOUT)
	default:
		s.probes++
		s.probeIn(kernel.TCP_KEEPINTVL, keepInterval)
	}
}

// lonely has all connections look whether their peers still answer: the network has changed.
func (w *World) lonely() {
	for _, h := range w.hosts {
		for _, f := range h.files {
			if s, ok := f.(*tcp); ok {
				s.lonely()
			}
		}
	}
}
