package secure

import "context"

// SetContext sets the context that the configuration's callbacks get. It counts before the first
// Handshake only. Once it has ended, the handshake fails with its error.
func (s *Session) SetContext(ctx context.Context) {
	if s.strand == nil && !s.handshakeDone {
		s.ctx = ctx
	}
}

// Began reports whether Handshake has been called.
func (s *Session) Began() bool { return s.strand != nil || s.handshakeDone }

// Handshake goes on as far as the input on the wire lets it: nil when it is over, ErrAgain when it
// needs more, else why it has failed, for good.
func (s *Session) Handshake() error { return s.goOn(false) }

// goOn is Handshake. same: the goroutine that calls it made the last call too, and has run nobody's
// code since.
func (s *Session) goOn(same bool) error {
	if s.handshakeDone {
		return s.handshakeErr
	}
	if s.stopped {
		return ErrStopped
	}
	if s.strand == nil {
		s.strand = &strand{}
	}
	if !s.resume(same) {
		if s.stopped { // by what it wrote
			s.Stop()
			return ErrStopped
		}
		return ErrAgain
	}
	return s.handshakeErr
}

// resume runs the strand until it waits or ends. A panic of a configuration's callback passes
// through: it ends the strand.
func (s *Session) resume(same bool) (over bool) {
	s.running = true
	defer func() {
		s.running = false
		if s.strand.ended {
			s.handshakeDone, s.strand = true, nil
		}
		over = s.handshakeDone
	}()
	s.strand.resume(same, s.shake)
	return
}

// shake is the handshake, on its strand.
func (s *Session) shake() {
	s.handshakeErr = errPanicked
	ctx := s.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	s.handshakeErr = s.tls.HandshakeContext(ctx)
}

// Stop ends a handshake that is not over, and its strand.
func (s *Session) Stop() {
	s.stopped = true
	if s.strand != nil && !s.running {
		s.resume(false) // inner's Read fails now
	}
}
