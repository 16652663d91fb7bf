package socket

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// A Socket is a handle on a descriptor. When nobody has it any more the garbage collector closes
// it; Close does so now. It must not be copied.
type Socket struct {
	d       *desc.Desc
	timeout atomic.Int64                // a timeout.Timeout
	peer    atomic.Pointer[kernel.Addr] // of a stream: as given to Connect or told by Accept
	call    atomic.Pointer[callback]    // option 20's
	cleanup runtime.Cleanup
	connect atomic.Uint32 // a stage
	lowat   atomic.Int32  // SO_RCVLOWAT; 0 until set
	family  int32
	typ     int32
}

// New makes a Socket whose calls park the calling goroutine.
func New(family, typ, proto int) (*Socket, error) {
	return create(kernel.Host, desc.Parked, family, typ, proto)
}

// NewOn makes a Socket that belongs to the loop of r: it is used by r's Tasks, which it suspends,
// and, with Timeout 0, by callbacks. A call that would have to wait in a callback is EDEADLK.
func NewOn(r *reactor.Reactor, family, typ, proto int) (*Socket, error) {
	return create(r.Kernel(), inside.Waiter(r), family, typ, proto)
}

func create(k kernel.Kernel, w desc.Waiter, family, typ, proto int) (*Socket, error) {
	if proto == IPPROTO_SEC { // TCP that says nothing in the clear
		if typ != SOCK_STREAM || family != AF_INET && family != AF_INET6 {
			return nil, fail(opSocket, kernel.EPROTONOSUPPORT)
		}
		k, proto = sealed{k}, IPPROTO_TCP
	}
	switch {
	case family != int(int32(family)):
		return nil, fail(opSocket, kernel.EAFNOSUPPORT)
	case typ != int(int32(typ)), proto != int(int32(proto)):
		return nil, fail(opSocket, kernel.EINVAL)
	}
	fd, e := k.Socket(family, typ, proto)
	if e != 0 {
		return nil, fail(opSocket, e)
	}
	s := adopt(k, w, fd, family, typ)
	tcp := s.typ == SOCK_STREAM && (family == AF_INET || family == AF_INET6) && (proto == 0 || proto == IPPROTO_TCP)
	s.d.ShortIsAll = tcp && kernel.ReadsFully(k)
	return s, nil
}

// adopt makes a blocking Socket of a descriptor.
func adopt(k kernel.Kernel, w desc.Waiter, fd, family, typ int) *Socket {
	s := &Socket{d: desc.New(k, fd, w), family: int32(family), typ: int32(typ & 0xf)} // without SOCK_CLOEXEC and the like
	s.timeout.Store(int64(timeout.None))
	s.cleanup = runtime.AddCleanup(s, release, s.d)
	return s
}

// release closes what nobody can reach any more, where it belongs: what its loop does not know, on
// the spot, for that loop may never run. A simulated kernel is its loop's alone.
func release(d *desc.Desc) {
	if d.Waiter.Shared() || below(d.Kernel) == kernel.Host && d.Idle() || !d.Waiter.Post(func() { d.Close() }) {
		d.Close()
	}
}

// Close ends the Socket: every call on it, also those in progress, is EBADF from now on. The peer
// sees the end of the stream. It returns when the descriptor is closed, whoever waits in a call.
// Again is nothing.
func (s *Socket) Close() error {
	s.cleanup.Stop()
	s.call.Store(nil)
	e := s.d.Close()
	runtime.KeepAlive(s)
	return fail(opClose, e)
}

// Detach gives the descriptor away: it stays open, non-blocking as it always was, and the Socket is
// closed. It returns when no call uses the number any more. Inside a call of the Socket's, which
// goes on with the number, it returns a duplicate.
func (s *Socket) Detach() (int, error) {
	s.cleanup.Stop()
	s.call.Store(nil)
	fd, e := s.d.Detach()
	runtime.KeepAlive(s)
	return fd, fail(opDetach, e)
}

// Fileno is the descriptor's number, -1 once closed. It is the Socket's: do not close it.
func (s *Socket) Fileno() int {
	fd := s.d.Number()
	runtime.KeepAlive(s)
	return fd
}

// Family is the address family that the Socket was made with.
func (s *Socket) Family() int { return int(s.family) }

// Type is SOCK_STREAM, SOCK_DGRAM, …
func (s *Socket) Type() int { return int(s.typ) }

// connects tells whether the Socket is for connections: SOCK_STREAM, SOCK_SEQPACKET and what else
// is not for datagrams. The input of such a one ends.
func (s *Socket) connects() bool { return s.typ != SOCK_DGRAM && s.typ != SOCK_RAW }

func init() {
	inside.Desc = func(s any) *desc.Desc { return s.(*Socket).d }
	inside.Secure = func(s any) inside.Readier { return (*readier)(s.(*SSLSocket)) }
}

// SetTimeout sets how long each later call may wait: timeout.None blocks, 0 never waits.
// timeout.Seconds converts MicroPython's argument.
func (s *Socket) SetTimeout(t timeout.Timeout) error { return s.setTimeout(opSetTimeout, t) }

// SetTimeoutSeconds is SetTimeout for seconds: 0 and more, +Inf included. Every value above zero is
// a timeout, however small.
func (s *Socket) SetTimeoutSeconds(seconds float64) error {
	t, err := timeout.Seconds(seconds)
	if err != nil {
		return badValue(opSetTimeout, "seconds %v must be 0 … +Inf", seconds)
	}
	return s.setTimeout(opSetTimeout, t)
}

// SetBlocking(true) is SetTimeout(timeout.None); SetBlocking(false) is SetTimeout(0).
func (s *Socket) SetBlocking(on bool) error {
	if on {
		return s.setTimeout(opSetBlocking, timeout.None)
	}
	return s.setTimeout(opSetBlocking, 0)
}

func (s *Socket) setTimeout(o op, t timeout.Timeout) error {
	if t < 0 {
		return badValue(o, "timeout %d ns must be 0 … %d", int64(t), int64(math.MaxInt64))
	}
	if s.d.Closed() {
		return fail(o, kernel.EBADF)
	}
	s.timeout.Store(int64(t))
	runtime.KeepAlive(s)
	return nil
}

// Timeout is what SetTimeout has set.
func (s *Socket) Timeout() timeout.Timeout { return timeout.Timeout(s.timeout.Load()) }

// start is a call that begins now.
func (s *Socket) start() desc.Call { return desc.Call{Limit: s.limit(0)} }

// limit is how long a call with these flags may wait. MSG_DONTWAIT never waits, in any mode
// (SEMANTICS D7).
func (s *Socket) limit(flags int) timeout.Timeout {
	switch {
	case flags&MSG_DONTWAIT != 0:
		return 0
	case s.d.AsNet:
		return timeout.None
	}
	return timeout.Timeout(s.timeout.Load())
}

// startWith is one with flags.
func (s *Socket) startWith(flags int) desc.Call { return desc.Call{Limit: s.limit(flags)} }

// flagsFit tells whether the kernel, which takes 32 bits, gets all of the flags.
func flagsFit(f int) bool { return f == int(int32(f)) || f == int(uint32(f)) }

func badFlags(o op, f int) error {
	return badValue(o, "flags %#x must be 32 bits", f)
}

// use runs a call that never waits.
func (s *Socket) use(o op, f func(fd int) desc.Errno) error {
	e := s.d.Use(f)
	runtime.KeepAlive(s)
	return fail(o, e)
}
