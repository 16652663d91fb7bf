package sel

import (
	"slices"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
)

// nest guards the field inner of all sets, which says which Polls are registered with which. In a
// ring, each Poll would wait for the others. epoll refuses a ring. A kqueue accepts it. Then it is
// always reported as ready (FreeBSD 12), or the call does not return (NetBSD 7).
var nest sync.Mutex

// enclose records that the Poll p is to be registered with s. It returns EINVAL if p is s itself,
// and ELOOP if there would be a ring.
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

// reaches returns whether `inner` is in s, directly or through other Polls. The search ends,
// because there is no ring. The caller holds nest.
func (s *set) reaches(inner *set) bool {
	return slices.ContainsFunc(s.inner, func(q *set) bool { return q == inner || q.reaches(inner) })
}

// release deletes the record of enclose, if the Poll is not registered.
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

// holds returns whether a descriptor of a nested Poll is ready. The kqueue of such a Poll stays
// readable after the descriptor was emptied, until a call waits on the kqueue.
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

// wanted returns whether ev makes an entry of the node ready.
func (s *set) wanted(n *node, ev Events) bool {
	return slices.ContainsFunc(n.entries, func(x *entry) bool { return ev&(x.mask|unasked) != 0 })
}

// count returns how many objects are registered.
func (s *set) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.objects)
}
