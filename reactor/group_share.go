package reactor

import "github.com/ureactor/ureactor/internal/zaplog"

// A sharedSocket is one socket of a GroupListener, on one loop. When that loop fails, another one
// takes over a socket at which one loop receives for all; else the address would be deaf, and
// nobody would say so.
type sharedSocket struct {
	l    *GroupListener
	r    *Reactor   // where the socket is, or is on its way to; guarded by the Group's mutex
	part sharedPart // the loop's; before the loops run, guarded by the Group's mutex
	up   bool       // attached; as part
}

// A sharedPart is what receives at the socket. Only open calls user code.
type sharedPart interface {
	// attach begins to receive. The descriptor is the part's from here on, also on error.
	attach(r *Reactor, fd int) error
	// open asks the user for what attach could not know, and calls on with what then belongs on the
	// loop.
	open(on func(func() error) error) error
	// detachFD ends the registration and gives the descriptor away, for another loop's attach.
	detachFD() (fd int)
	// discard closes a descriptor that no loop has attached.
	discard(k Kernel, fd int)
	Close() error
}

// attach gives the socket to its loop: at once before the loops run, else in its next turn, where
// an error is one for the log. No user code runs below the Group's mutex.
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
		if g.owned { // by now
			g.mu.Unlock()
			r.mustPost(func() { s.report(r, f()) })
			return nil
		}
		defer g.mu.Unlock()
		return f()
	})
}

// send posts the socket to its loop or, if that has ended, to the next one that goes on.
func (s *sharedSocket) send(fd int) {
	g := s.l.g
	g.mu.Lock()
	sent := !g.closed && !s.l.closed && s.post(fd)
	g.mu.Unlock()
	if !sent {
		s.part.discard(g.k, fd)
	}
}

// post finds the first loop that goes on, from s.r on. The Group's mutex is held: whoever closes
// the GroupListener afterwards finds that loop, and its post comes after this one.
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

// arrive is the loop's part of send.
func (s *sharedSocket) arrive(r *Reactor, fd int) {
	switch {
	case r.failed != nil: // after the post
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

// close is called on the loop, or before the loops run.
func (s *sharedSocket) close() {
	if s.up {
		s.up = false
		_ = s.part.Close() // the descriptor is the loop's own
	}
}

// handOver is for a loop that has failed. It keeps the sockets that other loops have too, for they
// end with it.
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

// survives reports whether a loop is left that could take over. No Group has none.
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
