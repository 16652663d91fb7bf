package sim

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A tcp is one end of a TCP connection, a socket without a connection, or a listener.
type tcp struct {
	node
	inet
	phase  phase
	closed bool // the socket has no descriptor, but may still deliver output
	err    Errno
	linger bool // close resets the connection
	waits  int  // how many seconds close waits for delivery
	closer *proc

	// These fields are for listeners.
	backlog int
	shut    bool // after SHUT_RD on a BSD: every accept returns ECONNABORTED
	queue   []*tcp
	coming  int // handshakes in progress

	peer    *tcp
	parent  *tcp // the listener, until the handshake has ended
	waiting bool // it is in the queue of parent
	tries   int  // attempts to send the SYN; later, attempts to send lost data

	// The output: wrote ≥ sent ≥ landed ≥ acked count bytes. out contains the bytes from acked to
	// wrote.
	out                         fifo
	wrote, sent, landed, acked  uint64
	finWant, finSent, finLanded bool
	finAcked                    bool
	finHeld                     bool   // the peer delays its acknowledgement of the FIN
	round                       uint64 // counts retransmissions: packets of older rounds are lost
	stalled                     bool   // until it sends again
	since                       int64  // when the first packet was lost
	lastAt, busyAt              int64
	acking                      bool
	noSpace                     bool  // a writer waits for room
	probing                     bool  // see keepalive.go
	probes                      int   // how many have no answer
	probed                      int64 // since this time the peer has not answered
	connected                   bool  // connect has returned 0 or EISCONN: see connect
	sndbuf, rcvbuf, lowat       int

	in     fifo
	gotFIN bool
	rdShut bool
	second bool // the peer sent its FIN first, so there is no TIME_WAIT
}

// unknown returns whether the host does not know the connection any more, because it has crashed.
func (s *tcp) unknown() bool { return s.phase == silent || s.life != s.h.life }

// A phase is the state of a tcp.
type phase uint8

const (
	fresh phase = iota
	listening
	connecting
	up
	down   // reset or refused
	silent // the host has crashed
)

var phaseNames = [...]string{"new", "listening", "connecting", "connected", "reset", "gone"}

const (
	actSYN uint8 = iota
	actSYNACK
	actACK
	actRefused
	actLand
	actFIN
	actRST
	actAck
	actRetry
	actPort
	actLost
	actCutOff
	actProbe
	actFINAck
)

// These constants say how long TCP repeats its attempts. It repeats a SYN after 1 s, 2 s, 4 s …,
// and sends lost data again after 200 ms, 400 ms … 5 s.
const (
	synTries   = 7
	retryFirst = int64(200 * time.Millisecond)
	retryMost  = int64(5 * time.Second)
	retryUntil = int64(924 * time.Second)
	timeWait   = int64(60 * time.Second)
)

func (h *Host) newTCP(family int) *tcp {
	s := &tcp{sndbuf: h.w.opt.Buffer, rcvbuf: h.w.opt.Buffer}
	h.open46(&s.inet, family)
	return s
}

func (s *tcp) what() string {
	return fmt.Sprintf("tcp %s → %s (%s)", s.told(s.local), s.told(s.remote), phaseNames[s.phase])
}

func (s *tcp) status() (st status) {
	st.errno = s.err
	switch s.phase {
	case fresh:
		st.unborn = true
	case listening:
		st.in, st.rdEnd = len(s.queue) > 0, s.shut
		if s.shut {
			st.errno = kernel.ECONNABORTED
		}
	case down, silent:
		st.cut = true
		st.in = true
	case up:
		st.in = s.in.len() >= max(s.lowat, 1)
		st.rdEnd = s.gotFIN || s.rdShut
		st.wrEnd = s.finWant
		st.out = s.room() >= s.sndbuf/3
		s.noSpace = s.noSpace || !st.out
	}
	return st
}

func (s *tcp) room() int { return max(s.sndbuf-s.out.len(), 0) }

// fault returns the pending error and clears it.
func (s *tcp) fault() Errno {
	e := s.err
	s.err = 0
	return e
}

func (s *tcp) act(what uint8, a int64, b uint64) {
	switch what {
	case actSYN:
		s.syn(a == 1)
	case actSYNACK:
		s.synack(int(a), b == 1)
	case actACK:
		s.ack3(int(a))
	case actRefused:
		s.refused(Errno(a))
	case actLand:
		s.land(int(a), b)
	case actFIN:
		s.fin(b)
	case actLost:
		if b == s.round && !s.unknown() {
			s.lose()
		}
	case actCutOff:
		s.cutOff(b)
	case actRST:
		s.wasReset()
	case actAck:
		s.acknowledged()
	case actFINAck:
		if s.finHeld { // no earlier packet has acknowledged the FIN
			s.finHeld = false
			s.acknowledged()
		}
	case actRetry:
		if b == s.round {
			s.stalled = false
			s.push()
		}
	case actProbe:
		s.probe()
	case actPort:
		s.h.releasePort(&s.inet, s.life)
	default:
		s.node.act(what, a, b)
	}
}

func (h *Host) releasePort(s *inet, life int) {
	if h.life == life {
		h.ports.release(s)
	}
}
