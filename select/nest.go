package sel

import (
	"slices"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
)

// nest guards the field inner of all sets: which Polls are registered with which. In a ring, each
// Poll would wait for the others. epoll refuses a ring. A kqueue accepts a ring, and then either
// reports it as ready without end (FreeBSD 12), or does not return (NetBSD 7).
var nest sync.Mutex

// enclose records that a Poll will be registered with s. It returns EINVAL for s itself and ELOOP
// for a ring.
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

// reaches returns whether inner is in s, directly or through other Polls. The search ends, because
// there is no ring yet. The caller holds nest.
func (s *set) reaches(inner *set) bool {
	return slices.ContainsFunc(s.inner, func(q *set) bool { return q == inner || q.reaches(inner) })
}

// release deletes the record of enclose, unless the Poll is registered.
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

// holds returns whether a nested Poll has a ready descriptor. A kqueue stays readable after that
// descriptor has been emptied, until a call waits on the kqueue.
func (s *set) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.d == nil {
		return true // the next call on that Poll returns the reason
	}
	n, e := s.collect()
	if s.waiting > 0 && s.lastChanges != s.changes {
		s.wake() // collect has consumed the wake-up
	}
	for _, ev := range s.events[:n] {
		if x := s.nodes[ev.FD]; x != nil && x.gen == ev.Gen && s.wanted(x, eventsOf(ev.Ready)) {
			return true
		}
	}
	return e != 0
}

// wanted returns whether an entry of the node is ready.
func (s *set) wanted(n *node, ev Events) bool {
	return slices.ContainsFunc(n.entries, func(x *entry) bool { return ev&(x.mask|unasked) != 0 })
}

// count returns how many objects are registered.
func (s *set) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.objects)
}
