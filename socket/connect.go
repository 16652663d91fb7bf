package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// These are the stages of a stream's connect. A call of Connect may return before the connect is
// complete, because it does not wait or has timed out. The kernel then continues the connect.
const (
	fresh uint32 = iota
	connecting
	connected
)

// Connect connects a stream, or sets the peer of a datagram socket. A non-blocking Connect returns
// EINPROGRESS, and a Poll reports POLLOUT when the attempt has ended. If Connect returns ETIMEDOUT,
// the attempt continues. Further Connects return EALREADY until it has ended, and then EISCONN. If
// the attempt was refused, the next Connect makes a new attempt.
func (s *Socket) Connect(a Addr) error {
	to, wrong, err := s.address(opConnect, a)
	if err != nil {
		return err
	}
	d := s.d
	if s.typ == SOCK_DGRAM || s.typ == SOCK_RAW || wrong != 0 {
		return s.use(opConnect, func(fd int) desc.Errno {
			if wrong != 0 {
				return wrong
			}
			return d.Kernel.Connect(fd, to)
		})
	}
	c := s.start()
	e := s.attempt(to, &c)
	if e == full && c.Limit.Blocks() {
		e = s.later(c.Limit, func(nap *desc.Call) desc.Errno { return s.attempt(to, nap) })
	} else if e == full {
		e = kernel.EAGAIN
	}
	runtime.KeepAlive(s)
	return s.fail(opConnect, e)
}

// full ends an attempt because the queue of a Unix listener or receiver is full. It is no use to
// wait for an Event then. On most systems no Event reports that the queue has room. On Linux an
// Event comes after each refusal.
const full desc.Errno = 1 << 16 // no system has an error with this number

// attempt connects, and waits until the attempt has ended.
func (s *Socket) attempt(to kernel.Addr, c *desc.Call) desc.Errno {
	started := false
	_, e := s.d.Do(desc.Out, c, func() (int, desc.Errno) {
		if started {
			return 0, s.outcome(to)
		}
		e := s.begin(to)
		switch {
		case e == kernel.EAGAIN:
			return 0, full
		case e != kernel.EINPROGRESS || !c.Limit.Blocks():
			return 0, e
		}
		started = true
		return 0, s.outcome(to)
	})
	return e
}

// retry is the time between two attempts, if the first one has ended with full.
const retry = timeout.Timeout(2e6)

// later repeats an attempt that has ended with `full`, until the limit.
func (s *Socket) later(limit timeout.Timeout, attempt func(*desc.Call) desc.Errno) desc.Errno {
	until := limit.After(s.d.Kernel.Now())
	for {
		left := until.Left(s.d.Kernel.Now())
		nap := desc.Call{Limit: min(retry, timeout.Timeout(left))}
		if !nap.Limit.Blocks() {
			return kernel.ETIMEDOUT
		}
		_, e := s.d.Do(desc.Out, &nap, func() (int, desc.Errno) { return 0, kernel.EAGAIN })
		if e != kernel.ETIMEDOUT {
			return e
		}
		if e := attempt(&desc.Call{Limit: retry}); e != full {
			return e
		}
	}
}

// begin starts an attempt, unless an attempt is in progress or has succeeded.
func (s *Socket) begin(to kernel.Addr) desc.Errno {
	k, fd := s.d.Kernel, s.d.FD
	if s.connect.Load() == connecting {
		if _, e := k.PeerAddr(fd); e == 0 {
			s.connect.Store(connected)
		}
	}
	if s.connect.Load() == connected {
		return kernel.EISCONN
	}
	e := k.Connect(fd, to)
	if e == kernel.EINVAL && s.connect.Load() == connecting && !k.Traits().ConnectReports {
		// On NetBSD the attempt was refused, and no call has returned that error yet. The socket
		// cannot be used again (doc/semantics.md, D17).
		if n, err := k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR); err == 0 && n != 0 {
			e = kernel.Errno(n)
		}
	}
	if e == kernel.ECONNABORTED {
		// Another call has returned the refusal. Linux then returns ECONNABORTED once.
		e = k.Connect(fd, to)
	}
	switch e {
	case 0:
		s.connect.Store(connected)
		s.peer.Store(&to)
	case kernel.EINPROGRESS:
		s.connect.Store(connecting)
		s.peer.Store(&to)
	case kernel.EALREADY, kernel.EISCONN:
	default:
		s.connect.Store(fresh)
	}
	return e
}

// outcome returns the result of the attempt, or EAGAIN if the attempt is still in progress.
func (s *Socket) outcome(to kernel.Addr) desc.Errno {
	if !s.d.Kernel.Traits().ConnectReports {
		return s.ended()
	}
	switch e := s.d.Kernel.Connect(s.d.FD, to); e {
	case 0, kernel.EISCONN:
		s.connect.Store(connected)
		return 0
	case kernel.EALREADY, kernel.EINPROGRESS:
		// EINPROGRESS means that this call has begun a new attempt, because another call has
		// returned the error of the old one.
		return kernel.EAGAIN
	case kernel.ECONNABORTED: // another call has returned the error
		s.connect.Store(fresh)
		return kernel.ECONNREFUSED
	default:
		s.connect.Store(fresh)
		return e
	}
}

// ended is outcome for systems on which a second connect(2) does not report the result. It leaves a
// failed socket as the kernel does. Ready must be called before the two calls below. Otherwise, if
// the attempt ended between these two calls, it would look as if another call had returned the
// error.
func (s *Socket) ended() desc.Errno {
	k, fd := s.d.Kernel, s.d.FD
	ready, _ := k.Ready(fd) // while the attempt is in progress, no kernel reports readiness
	failed := func() kernel.Errno {
		n, e := k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
		if e == 0 && n != 0 {
			s.connect.Store(fresh)
			e = kernel.Errno(n)
		}
		return e
	}
	if e := failed(); e != 0 {
		return e
	}
	if _, e := k.PeerAddr(fd); e == 0 {
		s.connect.Store(connected)
		return 0
	}
	if ready == 0 {
		return kernel.EAGAIN
	}
	if e := failed(); e != 0 { // the peer has reset since the call above
		return e
	}
	s.connect.Store(fresh)
	return kernel.ECONNREFUSED // another call has returned the error
}
