package sim

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

func (s *tcp) recv(p []byte, flags int) (int, Errno) {
	switch s.phase {
	case fresh, listening:
		return 0, kernel.ENOTCONN
	case connecting:
		return 0, kernel.EAGAIN
	}
	if flags&kernel.MSG_OOB != 0 {
		return 0, kernel.EINVAL
	}
	hidden := s.phase == up && s.deaf > s.h.w.now
	if n := min(len(p), s.in.len()); s.in.len() > 0 && !hidden {
		copy(p, s.in.at(0, n))
		if flags&kernel.MSG_PEEK == 0 {
			s.in.drop(n)
			s.opened()
		}
		return n, 0
	}
	switch {
	case s.gotFIN && !hidden:
		return 0, 0
	case s.err != 0:
		return 0, s.fault()
	case s.rdShut, s.phase != up:
		return 0, 0
	}
	return 0, kernel.EAGAIN
}

// opened is called when there is room again. It notifies a peer that waits for room.
func (s *tcp) opened() {
	if p := s.peer; p != nil && p.phase == up && (p.sent < p.wrote || p.finWant && !p.finSent) && !p.stalled {
		p.acknowledge()
	}
}

func (s *tcp) send(p []byte) (int, Errno) {
	switch {
	case s.phase == connecting:
		return 0, kernel.EAGAIN
	case s.err != 0:
		return 0, s.fault()
	case s.phase != up, s.finWant:
		return 0, kernel.EPIPE
	case len(p) == 0:
		return 0, 0
	}
	n := min(len(p), s.room())
	if n == 0 {
		s.noSpace = true
		return 0, kernel.EAGAIN
	}
	s.out.add(p[:n])
	s.wrote += uint64(n)
	s.push()
	return n, 0
}

func (s *tcp) shutdown(how int) Errno {
	switch s.phase {
	case fresh, down, silent:
		s.wake(0)
		return kernel.ENOTCONN
	case listening:
		if how != kernel.SHUT_WR {
			s.unlisten()
			if s.shut = s.h.os() != Linux; !s.shut {
				s.phase = fresh
			}
			s.wake(0)
		}
		if s.h.os() == FreeBSD { // on FreeBSD the call still has its effect
			return kernel.ENOTCONN
		}
		return 0
	case connecting:
		s.phase, s.err = down, 0
		s.wake(0)
		return 0
	}
	if how != kernel.SHUT_WR {
		s.rdShut = true
	}
	if s.over() {
		s.wake(0)
		return kernel.ENOTCONN
	}
	if how != kernel.SHUT_RD {
		s.end()
	}
	s.wake(0)
	return 0
}

// over returns whether both directions have ended with a FIN.
func (s *tcp) over() bool { return s.finAcked && s.gotFIN }

// unlisten resets the connections that wait for accept.
func (s *tcp) unlisten() {
	for _, c := range s.queue {
		c.waiting = false
		c.closed = true
		c.reset()
	}
	s.queue = nil
}

func (s *tcp) close() {
	s.closed = true
	switch s.phase {
	case listening:
		s.unlisten()
		s.phase = down
		s.freePort()
	case fresh, down, silent:
		s.freePort()
	case connecting:
		s.phase = down
		s.freePort()
	case up:
		if (s.linger || s.in.len() > 0) && !s.over() {
			s.reset()
			return
		}
		s.end()
		s.settle()
	}
}

// await handles a close with a time in SO_LINGER. The program stops until all output is delivered
// or the time has passed. On Linux even a close of a non-blocking socket waits. If the test makes
// the call, and not a simulated program, the call does not wait.
func (s *tcp) await() {
	p := s.h.w.cur
	if p == nil || p.host != s.h || s.phase != up || !s.finWant || s.finAcked {
		return
	}
	s.closer = p
	p.soon(s.h.when(s.h.Now() + timeout.Deadline(time.Duration(s.waits)*time.Second)))
	p.pause()
	s.closer = nil
}

// delivered ends the wait of a close: all output is delivered, or can never be.
func (s *tcp) delivered() {
	if p := s.closer; p != nil {
		s.closer = nil
		p.soon(s.h.w.now + 1000 + s.h.turns.N(5000))
	}
}

// end sends the FIN after all output.
func (s *tcp) end() {
	if !s.finWant {
		s.finWant, s.second = true, s.gotFIN
		s.push()
	}
}

// vanish handles a crash. The peer is not notified.
func (s *tcp) vanish() {
	for _, c := range s.queue {
		c.vanish()
	}
	s.phase, s.closed = silent, true
	if p := s.peer; p != nil {
		p.lostFIN()
		p.push()
		p.lonely()
	}
}
