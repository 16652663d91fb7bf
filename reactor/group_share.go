package reactor

import "github.com/ureactor/ureactor/internal/zaplog"

// A sharedSocket is one socket of a GroupListener, on one loop. If the address has no other socket
// and the loop fails, another loop takes over the socket. Otherwise no loop would serve the
// address, and no error would say so.
type sharedSocket struct {
	l    *GroupListener
	r    *Reactor   // the loop that has or gets the socket; guarded by the Group's mutex
	part sharedPart // owned by the loop; before the loops run, guarded by the Group's mutex
	up   bool       // the loop has attached the socket; guarded like part
}

// A sharedPart is the Listener or PacketConn of the socket. Only its method open calls user code.
type sharedPart interface {
	// attach begins to receive. The part then owns the descriptor, even if attach returns an error.
	attach(r *Reactor, fd int) error
	// open calls user code to get the handler that is missing after attach. The function `on` runs
	// the rest of the work on the loop.
	open(on func(func() error) error) error
	// detachFD ends the registration. It returns the descriptor, so that another loop can attach
	// it.
	detachFD() (fd int)
	// discard closes a descriptor that no loop has attached.
	discard(k Kernel, fd int)
	Close() error
}

// attach attaches the socket to its loop. Before the loops run, it does so at once. Later the loop
// does so in its next turn, and logs an error. No user code runs while the Group's mutex is held.
func (s *sharedSocket) attach(fd int) error {
	g := s.l.g
	g.mu.Lock()
	if g.owned {
		g.mu.Unlock()
		s.send(fd)
		return nil
	}
	if g.closed {
		g.mu.Unlock()
		s.part.discard(g.k, fd)
		return ErrClosed
	}
	r := s.r
	err := s.part.attach(r, fd)
	s.up = err == nil
	g.mu.Unlock()
	if err != nil {
		return err
	}
	return s.part.open(func(f func() error) error {
		g.mu.Lock()
		if g.owned { // the loops have begun to run meanwhile
			g.mu.Unlock()
			r.mustPost(func() { s.report(r, f()) })
			return nil
		}
		defer g.mu.Unlock()
		return f()
	})
}

// send posts the socket to its loop. If that loop has ended, it posts to the next loop that runs.
func (s *sharedSocket) send(fd int) {
	g := s.l.g
	g.mu.Lock()
	sent := !g.closed && !s.l.closed && s.post(fd)
	g.mu.Unlock()
	if !sent {
		s.part.discard(g.k, fd)
	}
}

// post posts the socket to the first running loop, beginning with s.r. The Group's mutex is held.
// So a later Close of the GroupListener finds the loop in s.r, and its post comes after this one.
func (s *sharedSocket) post(fd int) bool {
	g := s.l.g
	for range g.loops {
		r := s.r
		if r.postSound(func() { s.arrive(r, fd) }) {
			return true
		}
		s.r = g.loops[(r.loop+1)%len(g.loops)]
	}
	return false
}

// arrive does the part of send that runs on the loop.
func (s *sharedSocket) arrive(r *Reactor, fd int) {
	switch {
	case r.failed != nil: // the loop failed after the post
		s.send(fd)
		return
	case r.draining:
		s.part.discard(r.k, fd)
		return
	}
	err := s.part.attach(r, fd)
	if s.up = err == nil; s.up {
		err = s.part.open(func(f func() error) error { return f() })
	}
	s.report(r, err)
}

func (s *sharedSocket) report(r *Reactor, err error) {
	if err != nil {
		r.log.Error("cannot listen", zaplog.Error(err))
	}
}

// close must be called on the loop, or before the loops run.
func (s *sharedSocket) close() {
	if s.up {
		s.up = false
		_ = s.part.Close() // the loop has attached the descriptor, so no other loop closes it
	}
}

// handOver is called when the loop has failed. If a socket of the loop is the only one at its
// address, handOver sends it to another loop. Other sockets of the loop are closed.
func (r *Reactor) handOver() {
	var shares []*sharedSocket
	r.table.All(func(_ int, w *Watch) {
		switch s := w.sink.(type) {
		case *Listener:
			if s.distributor != nil {
				shares = append(shares, s.distributor.home)
			}
		case *PacketConn:
			if s.sharedAt != nil {
				shares = append(shares, s.sharedAt)
			}
		}
	})
	for _, s := range shares {
		if s.up && r.group.survives() {
			s.up = false
			s.send(s.part.detachFD())
		}
	}
}

// survives reports whether another loop of the Group still runs.
func (g *Group) survives() bool {
	if g == nil {
		return false
	}
	for _, r := range g.loops {
		if r.sound() {
			return true
		}
	}
	return false
}
