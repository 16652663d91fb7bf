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

// admit adds the entry. If the object has an entry already, admit replaces the mask of that entry.
// It subscribes to the object before the first poll asks the object, so that no change is missed.
// The subscription calls user code, so admit does not hold mu meanwhile.
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
		// The hook is added first. From then on the number cannot be closed before the hook has
		// run. The hook waits for mu, which is held here.
		e.hook = &desc.Hook{F: func() { s.closedUnder(e) }}
		if e.d.AddHook(e.hook) != 0 { // the Desc is closed already
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

// put adds an entry to the node of its descriptor.
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

// generation returns a new generation. Generation 0 belongs to the Poller itself.
func (s *set) generation() uint32 {
	s.gens++
	return max(s.gens, 1)
}

// setMask replaces the mask. If that fails, the old mask stays.
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

// remove removes an entry from the list or node to which it belongs.
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

// removeFromNode removes an entry from its node. If that was the last entry, it removes the node
// too.
func (s *set) removeFromNode(e *entry) {
	n := e.node
	e.node = nil
	n.entries = slices.DeleteFunc(n.entries, func(x *entry) bool { return x == e })
	if len(n.entries) > 0 {
		s.updateKernel(n) // after an error the old registration stays, which reports more than is wanted
		return
	}
	s.forget(n)
	s.setPolled(n, false)
	delete(s.nodes, n.fd)
}

// updateKernel makes the kernel's registration match the entries. If the Poller refuses a number,
// each poll asks that number. Such a number is a file, is not open, is the Poll's own, or would
// make a ring. updateKernel returns an error only for a nested Poll, or if memory is missing.
func (s *set) updateKernel(n *node) kernel.Errno {
	var want poller.Interest
	nested := false
	for _, e := range n.entries {
		want |= interestOf(e.mask)
		_, poll := e.obj.(*Poll)
		nested = nested || poll
	}
	// A kqueue reports neither Events outside of the interest nor urgent data.
	ask := (want == 0 || want&poller.Pri != 0) && !s.reportsUnasked
	if ask {
		want = poller.In | poller.Out | poller.Edge
	}
	if nested { // a Poller is never writable, and a kqueue refuses such an interest in one
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
		// Other code has closed the number, which now is another file. The old registration may
		// still exist, if a duplicate keeps the old file open.
		if n.inKernel {
			n.gen = s.generation()
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

// forget ends the kernel's registration. An error means that other code has closed the number. The
// close has ended the registration.
func (s *set) forget(n *node) {
	if n.inKernel {
		_ = s.q.Del(int(n.fd))
		n.inKernel = false
	}
}

// setPolled sets whether each poll asks the node.
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

// closedUnder is the hook that runs when the descriptor of e is closed. It unregisters the number
// before another file can get it. From then on the entry is POLLNVAL.
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
	// The other entries stay. They are numbers (FD), which will not be open, or entries of the same
	// Desc, whose hooks run next.
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
