package sel

import (
	"slices"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
)

// nest guards inner of all sets: which Polls are in which, as objects. A ring of them would have
// each wait for the others. epoll refuses one, but a kqueue takes it, and reports it ready for ever
// or does not return (FreeBSD 12, NetBSD 7).
var nest sync.Mutex

// enclose notes that a Poll is to be in s. EINVAL for s itself, ELOOP for a ring.
func (s *set) enclose(p *Poll) kernel.Errno {
	nest.Lock()
	defer nest.Unlock()
	switch {
	case p.s == s:
		return kernel.EINVAL
	case p.s.reaches(s):
		return kernel.ELOOP
	case !slices.Contains(s.inner, p.s):
		s.inner = append(s.inner, p.s)
	}
	return 0
}

// reaches tells whether a Poll is in s, also through others; there is no ring. With nest.
func (s *set) reaches(inner *set) bool {
	return slices.ContainsFunc(s.inner, func(q *set) bool { return q == inner || q.reaches(inner) })
}

// release ends what enclose has noted, unless the Poll is registered.
func (s *set) release(p *Poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[p] != nil {
		return
	}
	nest.Lock()
	defer nest.Unlock()
	s.inner = slices.DeleteFunc(s.inner, func(q *set) bool { return q == p.s })
}

// holds tells whether a Poll in another one has a ready descriptor. A kqueue stays readable after
// that has been emptied, until somebody waits on it.
func (s *set) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.d == nil {
		return true // which the call on it finds
	}
	n, e := s.collect()
	if s.waiting > 0 && s.lastChanges != s.changes {
		s.wake() // collect has swallowed it
	}
	for _, ev := range s.events[:n] {
		if x := s.nodes[ev.FD]; x != nil && x.gen == ev.Gen && s.wanted(x, eventsOf(ev.Ready)) {
			return true
		}
	}
	return e != 0
}

// wanted tells whether an entry of the node is ready.
func (s *set) wanted(n *node, ev Events) bool {
	return slices.ContainsFunc(n.entries, func(x *entry) bool { return ev&(x.mask|unasked) != 0 })
}
