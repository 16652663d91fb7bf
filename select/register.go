package sel

import (
	"slices"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

func (s *set) register(obj Pollable, mask Events) error {
	e, err := entryOf(obj, mask)
	if err != nil {
		return err
	}
	p, nested := obj.(*Poll)
	if nested {
		if errno := s.enclose(p); errno != 0 {
			return fail("register", errno)
		}
	}
	errno := s.admit(e, mask)
	if nested && errno != 0 {
		s.release(p)
	}
	return fail("register", errno)
}

// admit adds the entry, or gives its mask to the one that its object has. The subscription comes
// before the object is first asked, so that whatever happens after that is reported; and it comes
// without mu, because it calls the user.
func (s *set) admit(e *entry, mask Events) (errno kernel.Errno) {
	added := false
	defer func() {
		if e.unsubscribe != nil && !added {
			e.unsubscribe()
		}
	}()
	s.mu.Lock()
	for e.subscribe != nil && e.unsubscribe == nil && s.objects[e.obj] == nil && s.ensurePoller() == 0 {
		s.mu.Unlock()
		e.unsubscribe = e.subscribe(s.f)
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if errno := s.ensurePoller(); errno != 0 {
		return errno
	}
	if old := s.objects[e.obj]; old != nil {
		return s.setMask(old, mask)
	}
	errno = s.add(e)
	added = errno == 0
	return errno
}

func (s *set) modify(obj Pollable, mask Events) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fail("modify", kernel.EBADF)
	}
	e := s.find(obj)
	if e == nil {
		return fail("modify", kernel.ENOENT)
	}
	return fail("modify", s.setMask(e, mask))
}

func (s *set) unregister(obj Pollable) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return fail("unregister", kernel.EBADF)
	}
	e := s.find(obj)
	if e == nil {
		s.mu.Unlock()
		return nil
	}
	delete(s.objects, obj)
	s.remove(e)
	s.mu.Unlock()
	if e.unsubscribe != nil {
		e.unsubscribe()
	}
	if p, ok := obj.(*Poll); ok {
		s.release(p)
	}
	return nil
}

func (s *set) find(obj Pollable) *entry {
	if !usable(obj) {
		return nil
	}
	return s.objects[obj]
}

// add registers a new entry.
func (s *set) add(e *entry) kernel.Errno {
	switch fd, isFD := e.obj.(FD); {
	case e.custom != nil:
		s.custom = addEntry(s.custom, e)
		if e.subscribe == nil {
			s.pollOnly++
		}
	case isFD:
		if errno := s.put(e, int32(fd)); errno != 0 {
			return errno
		}
	default:
		// The hook first: from then on the number is not closed before the hook has run, and that
		// has to wait for mu.
		e.hook = &desc.Hook{F: func() { s.closedUnder(e) }}
		if e.d.AddHook(e.hook) != 0 { // closed already
			e.hook = nil
			s.closedObjects = addEntry(s.closedObjects, e)
			break
		}
		if errno := s.put(e, int32(e.d.FD)); errno != 0 {
			e.d.DelHook(e.hook)
			return errno
		}
	}
	s.objects[e.obj] = e
	s.changed()
	return 0
}

// put gives an entry to its descriptor's node.
func (s *set) put(e *entry, fd int32) kernel.Errno {
	n := s.nodes[fd]
	if n == nil {
		n = &node{fd: fd, gen: s.generation()}
		s.nodes[fd] = n
	}
	n.entries = append(n.entries, e)
	e.node = n
	errno := s.updateKernel(n)
	if errno != 0 {
		s.removeFromNode(e)
	}
	return errno
}

// generation is a new one; 0 is the Poller's own.
func (s *set) generation() uint32 {
	s.gens++
	return max(s.gens, 1)
}

// setMask replaces the mask; what fails leaves the old one.
func (s *set) setMask(e *entry, mask Events) kernel.Errno {
	old := e.mask
	e.mask = mask
	if e.node != nil {
		if errno := s.updateKernel(e.node); errno != 0 {
			e.mask = old
			return errno
		}
	}
	s.changed()
	return 0
}

// remove lets go of an entry.
func (s *set) remove(e *entry) {
	e.unregistered = true
	switch {
	case e.custom != nil:
		s.custom = removeEntry(s.custom, e)
		if e.subscribe == nil {
			s.pollOnly--
		}
	case e.node == nil:
		s.closedObjects = removeEntry(s.closedObjects, e)
	default:
		if e.hook != nil {
			e.d.DelHook(e.hook)
		}
		s.removeFromNode(e)
	}
}

// removeFromNode takes an entry out of its node, and the node out when that was the last.
func (s *set) removeFromNode(e *entry) {
	n := e.node
	e.node = nil
	n.entries = slices.DeleteFunc(n.entries, func(x *entry) bool { return x == e })
	if len(n.entries) > 0 {
		s.updateKernel(n) // an error leaves the old registration, which hears of more than is wanted
		return
	}
	s.forget(n)
	s.setPolled(n, false)
	delete(s.nodes, n.fd)
}

// updateKernel brings what the kernel has in line with what the entries want. What the Poller does
// not accept is asked at each poll, whatever the reason: a file, a number that is not open, the
// Poll's own, a ring of numbers. Of a nested Poll the error counts, and so does a lack of memory.
func (s *set) updateKernel(n *node) kernel.Errno {
	var want poller.Interest
	nested := false
	for _, e := range n.entries {
		want |= interestOf(e.mask)
		_, poll := e.obj.(*Poll)
		nested = nested || poll
	}
	// A kqueue reports neither what nobody wants nor urgent data.
	ask := (want == 0 || want&poller.Pri != 0) && !s.reportsUnasked
	if ask {
		want = poller.In | poller.Out | poller.Edge
	}
	if nested { // is never writable, and kqueue refuses to be asked
		want &^= poller.Out
	}
	if s.d == nil || int(n.fd) == s.d.FD {
		s.setPolled(n, true)
		return 0
	}
	errno := kernel.ENOENT
	if n.inKernel {
		errno = number(s.q.Mod(int(n.fd), n.gen, want))
	}
	if errno == kernel.ENOENT {
		if n.inKernel { // somebody has closed the number and opened another under it; a duplicate may keep the old one
			n.gen = s.generation()
			n.inKernel = false
		}
		errno = number(s.q.Add(int(n.fd), n.gen, want))
		n.inKernel = errno == 0
	}
	if errno != 0 && !nested && errno != kernel.ENOMEM && errno != kernel.ENOSPC {
		s.forget(n)
		ask, errno = true, 0
	}
	if errno == 0 {
		s.setPolled(n, ask)
	}
	return errno
}

// forget ends the kernel's registration. An error means that somebody has closed the number; the
// kernel forgot it then.
func (s *set) forget(n *node) {
	if n.inKernel {
		_ = s.q.Del(int(n.fd))
		n.inKernel = false
	}
}

// setPolled has the node asked at each poll, or not.
func (s *set) setPolled(n *node, yes bool) {
	switch {
	case yes == n.polled:
	case yes:
		n.at = len(s.polled)
		s.polled = append(s.polled, n)
	default:
		last := s.polled[len(s.polled)-1]
		s.polled[n.at], last.at = last, n.at
		s.polled[len(s.polled)-1] = nil
		s.polled = s.polled[:len(s.polled)-1]
	}
	n.polled = yes
}

// closedUnder is the hook: e's descriptor is closing. It is out of the kernel's list before its
// number can be anybody else's, and the entry is POLLNVAL from now on.
func (s *set) closedUnder(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.unregistered || e.node == nil || s.closed {
		return
	}
	n := e.node
	s.forget(n)
	e.node, e.hook = nil, nil
	s.closedObjects = addEntry(s.closedObjects, e)
	// The rest is bare numbers, which are about to be not open, and what is closing with e: its
	// hooks are next.
	n.entries = slices.DeleteFunc(n.entries, func(x *entry) bool { return x == e })
	s.setPolled(n, len(n.entries) > 0)
	if len(n.entries) == 0 {
		delete(s.nodes, n.fd)
	}
	s.changed()
}

func addEntry(list []*entry, e *entry) []*entry {
	e.at = len(list)
	return append(list, e)
}

func removeEntry(list []*entry, e *entry) []*entry {
	last := list[len(list)-1]
	list[e.at], last.at = last, e.at
	list[len(list)-1] = nil
	return list[:len(list)-1]
}
