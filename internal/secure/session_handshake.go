package secure

import "context"

// SetContext sets the context for the configuration's callbacks. It has no effect after the first
// Handshake. When ctx ends, the handshake fails with the error of ctx.
func (s *Session) SetContext(ctx context.Context) {
	if !s.Began() {
		s.ctx = ctx
	}
}

// Began reports whether Handshake has been called.
func (s *Session) Began() bool { return s.strand != nil || s.handshakeDone }

// Handshake continues the handshake as far as the input on the wire permits. It returns nil if the
// handshake has succeeded, and ErrAgain if it needs more input. Any other error is final.
func (s *Session) Handshake() error { return s.advance(false) }

// advance does the work of Handshake. same means that this goroutine has also made the last call
// and has run no other code since.
func (s *Session) advance(same bool) error {
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
		if s.stopped { // a callback of the configuration, or the wire's Write, has called Stop
			s.Stop()
			return ErrStopped
		}
		return ErrAgain
	}
	return s.handshakeErr
}

// resume runs the strand until it is suspended or ends, and reports whether the handshake has
// ended. A panic of a callback ends the strand and continues in the caller.
func (s *Session) resume(same bool) (done bool) {
	s.running = true
	defer func() {
		s.running = false
		if s.strand.ended {
			s.handshakeDone, s.strand = true, nil
			s.findCiphers()
		}
		done = s.handshakeDone
		s.checkState()
	}()
	s.strand.resume(same, s.shake)
	return
}

// shake makes the handshake. It runs on the strand.
func (s *Session) shake() {
	s.handshakeErr = errPanicked
	ctx := s.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	s.handshakeErr = s.tls.HandshakeContext(ctx)
}

// Stop ends a handshake in progress and its strand. A callback of the configuration may call Stop.
func (s *Session) Stop() {
	s.stopped = true
	if s.strand != nil && !s.running {
		s.resume(false) // cryptoConn.Read now returns ErrStopped
	}
}
