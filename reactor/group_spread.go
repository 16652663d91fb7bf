package reactor

import (
	"sync/atomic"

	"go.uber.org/zap"
)

// A spread hands what one loop accepts to all loops of its Group. The others have a Listener without a descriptor, which
// their Conns are from.
type spread struct {
	acceptor *Listener
	parts    []*Listener    // by loop
	loads    []atomic.Int64 // Conns by loop, those on their way included
	next     int            // whose turn it is; the acceptor's
	least    bool
}

func newSpread(g *Group, acceptor *Listener) {
	s := &spread{acceptor: acceptor, least: acceptor.opt.balance == LeastConns,
		parts: make([]*Listener, len(g.loops)), loads: make([]atomic.Int64, len(g.loops))}
	acceptor.spread = s
	for i, r := range g.loops {
		s.parts[i] = &Listener{opt: acceptor.opt, net: acceptor.net, addr: acceptor.addr, accept: acceptor.accept, spread: s}
		s.parts[i].w.r = r
	}
}

// hand gives a connection to the loop whose turn it is, or to the next one that takes posts.
func (s *spread) hand(l *Listener, fd int, from Addr) {
	own := l.w.r.loop
	for i, k := s.pick(), 0; k < len(s.parts); i, k = (i+1)%len(s.parts), k+1 {
		if i == own {
			break
		}
		s.loads[i].Add(1)
		to := s.parts[i]
		if to.w.r.post(post{f: func() { to.receive(fd, from) }}, nil) == nil {
			l.joined()
			return
		}
		s.loads[i].Add(-1)
	}
	s.loads[own].Add(1)
	l.open(fd, from)
}

// pick is the loop whose turn it is, or the first from there on with the fewest.
func (s *spread) pick() int {
	best := s.next
	if s.least {
		for k := range s.parts {
			if i := (s.next + k) % len(s.parts); s.loads[i].Load() < s.loads[best].Load() {
				best = i
			}
		}
	}
	s.next = (best + 1) % len(s.parts)
	return best
}

// receive is the other loop's part.
func (l *Listener) receive(fd int, from Addr) {
	r := l.w.r
	if !r.draining {
		l.open(fd, from)
		return
	}
	l.left() // too late for its handler; it is ended as those are that were open
	if err := r.Retire(fd); err != nil {
		r.log.Error("cannot end a connection in order", zap.Error(err))
	}
}

// left is one Conn less on the loop of l.
func (s *spread) left(l *Listener) {
	s.loads[l.w.r.loop].Add(-1)
	if l == s.acceptor {
		l.freed()
	} else if l.opt.maxConns > 0 {
		s.acceptor.w.r.mustPost(s.acceptor.freed) // false: it has ended, and accepts no more
	}
}
