package sel

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// askEvery is the pause between two calls of an Object that does not notify (see D39).
const askEvery = timeout.Timeout(time.Millisecond)

// few is the largest number of descriptors of a small Poll. A small Poll unregisters from the
// loop's Poller after each wait, so any number of small Polls can have one descriptor. A larger
// Poll stays registered, because with each registration the kernel checks all its descriptors for
// rings. With 10,000 descriptors that check took 0.6 ms, and the rest of the wait 10 µs.
const few = 16

// A scan has the state of one poll. The set keeps it, so that the next poll allocates nothing.
type scan struct {
	s *set
	// The Desc of the Poller at the beginning of the poll. It is nil if there is no Poller.
	d              *desc.Desc
	try            func() (int, kernel.Errno) // the method collectReady; made once
	call           desc.Call
	waits          bool         // the poll may sleep, so it holds the turn while it collects
	lastErrno      kernel.Errno // the result of the last collectReady
	keepRegistered bool         // the Poll is not small; see few
	found          []result
	toPoll         []*entry
	err            error // the error that an Object has returned
}

// A result is an entry that is ready.
type result struct {
	e  *entry
	ev Events
}

func (s *set) poll(op string, limit timeout.Timeout) ([]Event, error) {
	c, err := s.run(op, limit)
	if err != nil || len(c.found) == 0 {
		s.done(c)
		return nil, err
	}
	events := make([]Event, len(c.found))
	for i, h := range c.found {
		events[i] = Event{h.e.obj, h.ev}
	}
	s.done(c)
	return events, nil
}

// run makes one poll, which has one deadline.
func (s *set) run(op string, limit timeout.Timeout) (*scan, error) {
	if s.runCallbacks != nil {
		if e := s.runCallbacks(); e != 0 { // callbacks that are pending run first, as in MicroPython
			return nil, fail(op, e)
		}
	}
	s.mu.Lock()
	e := s.ensurePoller()
	if e == 0 && s.tooMany() {
		e = kernel.EINVAL
	}
	if e != 0 {
		s.mu.Unlock()
		return nil, fail(op, e)
	}
	c := s.freeScan
	if s.freeScan = nil; c == nil {
		c = &scan{s: s}
		c.try = c.collectReady
	}
	d := s.d
	c.d, c.err = d, nil
	c.waits = limit.Blocks()
	if c.waits {
		s.waiting++
		c.keepRegistered = len(s.nodes) > few
	}
	s.mu.Unlock()
	e = c.wait(d, limit)
	switch e {
	case 0:
		return c, c.err
	case kernel.EAGAIN:
		return c, nil
	}
	return c, fail(op, e)
}

// wait waits as Desc.Do does. The deadline may pass while another goroutine polls the same Poll.
// Then wait collects once more, because readiness beats the timeout (doc/semantics.md, D7).
func (c *scan) wait(d *desc.Desc, limit timeout.Timeout) kernel.Errno {
	if c.waits {
		defer func() { // deferred, because a task may be unwound
			c.s.mu.Lock()
			c.s.waiting--
			c.s.mu.Unlock()
		}()
		c.call = desc.Call{Limit: limit, KeepRegistered: c.keepRegistered}
		e := kernel.Errno(0)
		if d != nil {
			_, e = d.Do(desc.In, &c.call, c.try)
		}
		c.waits = false
		if d == nil || c.cannotWake(e) {
			return c.blindly(c.call.Deadline(c.s.k))
		}
		if e != kernel.ETIMEDOUT {
			return e
		}
	}
	if d == nil {
		_, e := c.collectReady()
		return e
	}
	c.call = desc.Call{}
	_, e := d.Do(desc.In, &c.call, c.try)
	return e
}

// cannotWake returns whether Do has failed because the Poller could not be registered: a resource
// is missing, or the system forbids it. The poll returns any other error of Do, for example EINVAL
// if more than 500 Polls have one descriptor.
func (c *scan) cannotWake(e kernel.Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOMEM, kernel.ENOSPC, kernel.ENOSYS, kernel.EPERM:
		return e != c.lastErrno
	}
	return false
}

// done clears the scan, and keeps it for the next poll.
func (s *set) done(c *scan) {
	if c == nil {
		return
	}
	clear(c.found)
	c.found = c.found[:0]
	s.mu.Lock()
	s.freeScan = c
	s.mu.Unlock()
}

// collectReady finds all objects that are ready now. If there are none, it returns EAGAIN.
func (c *scan) collectReady() (n int, e kernel.Errno) {
	n, e = c.collectReadyLocked()
	c.lastErrno = e
	return n, e
}

func (c *scan) collectReadyLocked() (int, kernel.Errno) {
	c.found = c.found[:0]
	if e := c.lookUnderLock(); e != 0 {
		return 0, e
	}
	// The kernel is asked before the Objects. The Wait for the kernel's Events consumes the
	// wake-ups of Objects that have notified before it. If it came after the Objects, such a
	// notification would be lost.
	known := len(c.found)
	switch {
	case len(c.toPoll) == 0:
	case c.d == nil:
		c.askObjects()
	default:
		c.d.User(c.askObjects) // an Object may close the Poll
	}
	if !c.waits && len(c.found) > known {
		// This poll may have received input of an SSLSocket, so no other Event reports the input.
		// Wake another poll that waits for it.
		c.s.notify()
	}
	if len(c.found) == 0 && c.err == nil {
		return 0, kernel.EAGAIN
	}
	return len(c.found), 0
}

func (c *scan) lookUnderLock() kernel.Errno {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return kernel.EBADF
	}
	if c.waits {
		s.lastChanges = s.changes
	}
	n, e := s.collect()
	if e != 0 {
		return e
	}
	for i := range s.events[:n] {
		ev := &s.events[i]
		if n := s.nodes[ev.FD]; n != nil && n.gen == ev.Gen && !n.polled {
			c.report(n, eventsOf(ev.Ready))
		}
	}
	silent, e := c.askNodes()
	if e != 0 {
		return e
	}
	for _, x := range s.closedObjects {
		c.found = append(c.found, result{x, POLLNVAL})
	}
	c.toPoll = append(c.toPoll[:0], s.custom...)
	c.call.Step = 0
	if silent || s.pollOnly > 0 {
		c.call.Step = askEvery
	}
	if !c.waits && s.waiting > 0 && s.lastChanges != s.changes {
		s.wake() // the Wait above has consumed the wake-up of another poll
	}
	return 0
}

// collect reads all Events from the kernel. If the batch may have been too small, it makes a larger
// batch and reads all Events again, because the registrations are level-triggered. A descriptor may
// need two places in the batch (the two filters of a kqueue). The wake-up needs one.
func (s *set) collect() (int, kernel.Errno) {
	if s.d == nil {
		return 0, 0
	}
	for {
		n, err := s.q.Wait(s.events, 0)
		if err != nil {
			return 0, number(err)
		}
		if 2*n+2 <= len(s.events) {
			return n, 0
		}
		s.events = make([]poller.Event, 2*len(s.events))
	}
}

// report adds a result for each entry of the descriptor that wants one of the events.
func (c *scan) report(n *node, ev Events) {
	for _, x := range n.entries {
		r := ev & (x.mask | unasked)
		if r == 0 {
			continue
		}
		if p, nested := x.obj.(*Poll); nested && !c.s.reportsUnasked && r == POLLIN && !p.s.holds() {
			continue
		}
		c.found = append(c.found, result{x, r})
	}
}

// askNodes checks the descriptors that the kernel does not report. `silent` means that one of them
// is not ready now, and that no Event will come when it becomes ready.
func (c *scan) askNodes() (silent bool, e kernel.Errno) {
	s := c.s
	for i := len(s.polled) - 1; i >= 0; i-- {
		// Backwards, because the last node takes the place of a removed one.
		n := s.polled[i]
		if s.d != nil && int(n.fd) == s.d.FD { // the Poll's own descriptor, which poll(2) does not have
			c.report(n, POLLNVAL)
			continue
		}
		ready, e := s.k.Ready(int(n.fd))
		if e == kernel.EBADF {
			c.report(n, POLLNVAL)
			continue
		}
		if e == 0 && !n.inKernel {
			e = s.updateKernel(n) // the number may be open now; for a file this does nothing
		}
		if e != 0 {
			return false, e
		}
		known := len(c.found)
		c.report(n, eventsOf(ready))
		silent = silent || !n.inKernel && known == len(c.found) && s.wanted(n, POLLIN|POLLOUT|POLLPRI)
	}
	return silent, 0
}

// askObjects asks the Objects. It calls user code, so it holds no lock.
func (c *scan) askObjects() {
	for i, x := range c.toPoll {
		c.toPoll[i] = nil
		c.s.mu.Lock()
		mask, gone := x.mask, x.unregistered
		c.s.mu.Unlock()
		if gone || c.err != nil {
			continue
		}
		ev, err := x.custom.Poll(mask)
		if err != nil {
			c.err = err
		} else if ev != 0 {
			c.found = append(c.found, result{x, ev})
		}
	}
}
