package reactor

import (
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// A distributor passes the connections that one loop accepts to all loops of the Group. Each other
// loop has a Listener without a descriptor, to which the passed Conns belong.
type distributor struct {
	home     *sharedSocket
	file     netaddr.File             // the socket's file, while no Listener has it
	acceptor atomic.Pointer[Listener] // one of parts; another one takes over when its loop has failed
	parts    []*Listener              // indexed by the number of the loop
	loads    []atomic.Int64           // Conns of each loop, including those that were posted to it
	next     int                      // the loop that is next in turn; belongs to the acceptor
	least    bool
}

// newDistributor makes a distributor, with a Listener like l for each loop.
func newDistributor(g *Group, l *Listener) *distributor {
	s := &distributor{file: l.file, least: l.opt.balance == LeastConns,
		parts: make([]*Listener, len(g.loops)), loads: make([]atomic.Int64, len(g.loops))}
	for i, r := range g.loops {
		s.parts[i] = &Listener{opt: l.opt, net: l.net, addr: l.addr, accept: l.accept, distributor: s}
		s.parts[i].w.r = r
	}
	return s
}

func (s *distributor) attach(r *Reactor, fd int) error {
	l := s.parts[r.loop]
	l.file, s.file = s.file, netaddr.File{}
	s.acceptor.Store(l) // before the check for full, so that a Conn that closes meanwhile finds it
	err := l.attach(r, fd)
	if err == nil && l.full() {
		r.rare().Full++
		err = l.accepts(0)
	}
	return err
}

func (s *distributor) open(func(func() error) error) error { return nil }

func (s *distributor) detachFD() int {
	l := s.acceptor.Load()
	s.file, l.file = l.file, netaddr.File{}
	return l.detachFD()
}

func (s *distributor) discard(k Kernel, fd int) { discard(k, fd, s.file) }

func (s *distributor) Close() error { return s.acceptor.Load().Close() }

// handOff passes a connection to the loop that pick returns. If that loop accepts no posts, the
// next one gets the connection.
func (s *distributor) handOff(l *Listener, fd int, from Addr) {
	own := l.w.r.loop
	for i, k := s.pick(), 0; k < len(s.parts); i, k = (i+1)%len(s.parts), k+1 {
		if i == own {
			break
		}
		s.loads[i].Add(1)
		to := s.parts[i]
		if to.w.r.post(post{f: func() { to.receive(fd, from) }}, nil) == nil {
			l.connAdded()
			return
		}
		s.loads[i].Add(-1)
	}
	s.loads[own].Add(1)
	l.admit(fd, from)
}

// pick returns the loop that is next in turn. With LeastConns it returns the loop with the fewest
// Conns. If several have the fewest, it returns the one that is next in turn.
func (s *distributor) pick() int {
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

// receive does the part of handOff that runs on the other loop.
func (l *Listener) receive(fd int, from Addr) {
	r := l.w.r
	if !r.draining {
		l.admit(fd, from)
		return
	}
	l.connClosed() // the loop has ended, so this connection is closed as the loop's own Conns were
	if err := r.Retire(fd); err != nil {
		r.log.Error("orderly close failed", zaplog.Error(err))
	}
}

// connClosed counts a Conn of l that has closed.
func (s *distributor) connClosed(l *Listener) {
	s.loads[l.w.r.loop].Add(-1)
	if l.opt.maxConns == 0 {
		return
	}
	if a := s.acceptor.Load(); a == l {
		l.resumeIfFree()
	} else {
		a.w.r.mustPost(a.resumeIfFree) // if the acceptor's loop has ended, it accepts nothing more
	}
}

func (s *distributor) conns() (n int) {
	for i := range s.loads {
		n += int(s.loads[i].Load())
	}
	return n
}
