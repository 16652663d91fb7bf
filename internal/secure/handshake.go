package secure

import (
	"context"
	"runtime"
)

// SetContext sets the context that the configuration's callbacks get. It counts before the first Handshake only. Once it
// has ended, the handshake fails with its error.
func (s *Session) SetContext(ctx context.Context) {
	if s.strand == nil && !s.done {
		s.ctx = ctx
	}
}

// Began reports whether Handshake has been called.
func (s *Session) Began() bool { return s.strand != nil || s.done }

// Handshake goes on as far as the input on the wire lets it: nil when it is over, ErrAgain when it needs more, else why it
// has failed, for good.
func (s *Session) Handshake() error {
	if s.done {
		return s.err
	}
	if s.stopped {
		return ErrStopped
	}
	if s.strand == nil {
		s.strand = newStrand()
	}
	if !s.resume() {
		if s.stopped { // by what it wrote
			s.Stop()
			return ErrStopped
		}
		return ErrAgain
	}
	return s.err
}

// resume runs the strand until it waits or ends. A panic of a configuration's callback passes through: it ends the strand.
func (s *Session) resume() (over bool) {
	s.running = true
	defer func() {
		s.running = false
		if s.strand.ended {
			s.done, s.strand = true, nil
		}
		over = s.done
	}()
	s.strand.resume(s.shake)
	return
}

// shake is the handshake, on its strand.
func (s *Session) shake() {
	s.err = errPanicked
	ctx := s.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	s.err = s.tls.HandshakeContext(ctx)
}

// Stop ends a handshake that is not over, and its strand.
func (s *Session) Stop() {
	s.stopped = true
	if s.strand != nil && !s.running {
		s.resume() // inner's Read fails now
	}
}

// A strand is a function that is suspended where it needs input. It has a goroutine of its own, and exactly one of that
// goroutine and its caller runs at any time. A coroutine (iter.Pull) would be cheaper. But the runtime ends the process
// when one is resumed by a goroutine in another state of runtime.LockOSThread than the one that began it. Here any
// goroutine may resume: another caller, the one that closes, the garbage collector's.
type strand struct {
	on, back chan struct{}
	begun    bool
	ended    bool // these are the function's: the caller reads them when it is suspended
	returned bool
	panicked any // nil with ended and not returned: runtime.Goexit
}

func newStrand() *strand {
	return &strand{on: make(chan struct{}), back: make(chan struct{})}
}

// resume runs f until it is suspended, or ends; f counts the first time. A panic and runtime.Goexit in f happen to the
// caller.
func (s *strand) resume(f func()) {
	if s.begun {
		s.on <- struct{}{}
	} else {
		s.begun = true
		go s.run(f)
	}
	<-s.back
	switch {
	case !s.ended || s.returned:
	case s.panicked == nil:
		runtime.Goexit()
	default:
		panic(s.panicked)
	}
}

func (s *strand) run(f func()) {
	defer func() {
		if !s.returned {
			s.panicked = recover()
		}
		s.ended = true
		s.back <- struct{}{}
	}()
	f()
	s.returned = true
}

// suspend is called by the function.
func (s *strand) suspend() {
	s.back <- struct{}{}
	<-s.on
}
