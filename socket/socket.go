package socket

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// A Socket has a descriptor, which Close closes. If a Socket becomes unreachable, the garbage
// collector closes it, except on a simulated kernel. A Socket must not be copied.
type Socket struct {
	d       *desc.Desc
	timeout atomic.Int64 // the value of a timeout.Timeout
	// The peer of a stream, from Connect or accept.
	peer    atomic.Pointer[kernel.Addr]
	call    atomic.Pointer[callback]        // the callback of option 20; see SetCallback
	again   atomic.Pointer[OSError]         // the last EAGAIN error; see fail
	guard   atomic.Pointer[runtime.Cleanup] // see unreachable.go
	nursery atomic.Pointer[nursery]         // of a listener, from its first Accept on
	connect atomic.Uint32                   // the stage of a stream's connect
	lowat   atomic.Int32                    // SO_RCVLOWAT; 0 if it was not set
	family  int32
	typ     int32
}

// New makes a Socket whose calls park the calling goroutine. SOCK_RAW works if the system allows
// it, and so does SOCK_DGRAM with IPPROTO_ICMP. A raw IPv4 socket receives packets with their
// headers. A simulated host has neither.
func New(family, typ, proto int) (*Socket, error) {
	return create(kernel.Host, desc.Parked, family, typ, proto)
}

// NewOn makes a Socket that belongs to the loop of r. A call on it suspends the Task that calls.
// With Timeout 0, callbacks may use the Socket too. If a call in a callback would have to wait, it
// returns EDEADLK.
func NewOn(r *reactor.Reactor, family, typ, proto int) (*Socket, error) {
	return create(r.Kernel(), inside.Waiter(r), family, typ, proto)
}

func create(k kernel.Kernel, w desc.Waiter, family, typ, proto int) (*Socket, error) {
	if proto == IPPROTO_SEC { // TCP that sends and receives nothing without TLS
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
	if _, simulated := below(k).(kernel.Dated); e == kernel.EPROTONOSUPPORT && simulated && isRaw(typ, proto) {
		return nil, fmt.Errorf("%w: a simulated host has no raw sockets and no ICMP", fail(opSocket, e))
	}
	if e != 0 {
		return nil, fail(opSocket, e)
	}
	s := new(Socket)
	s.adopt(k, w, fd, family, typ)
	s.closeIfUnreachable()
	tcp := s.typ == SOCK_STREAM && (family == AF_INET || family == AF_INET6) && (proto == 0 || proto == IPPROTO_TCP)
	s.d.ShortIsAll = tcp && kernel.ReadsFully(below(k))
	return s, nil
}

// isRaw returns whether a socket sends and receives below UDP and TCP.
func isRaw(typ, proto int) bool {
	return typ&0xf == SOCK_RAW || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6
}

// adopt makes a new Socket blocking, and gives it a descriptor. The garbage collector does not
// close the Socket yet.
func (s *Socket) adopt(k kernel.Kernel, w desc.Waiter, fd, family, typ int) {
	s.d, s.family = desc.New(k, fd, w), int32(family)
	s.typ = int32(typ & 0xf) // the mask removes SOCK_CLOEXEC and other flags
	s.d.UnixStream = s.typ == SOCK_STREAM && family == AF_UNIX
	s.timeout.Store(int64(timeout.None))
}

// Close closes the Socket. Every call on it returns EBADF from now on, also each call in progress.
// The peer receives the end of the stream. Close returns when the descriptor is closed. A second
// call does nothing.
func (s *Socket) Close() error {
	s.stopCleanup()
	s.call.Store(nil)
	e := s.d.Close()
	runtime.KeepAlive(s)
	return fail(opClose, e)
}

// Detach closes the Socket but not the descriptor, which then belongs to the caller and is still
// non-blocking. Detach returns when no call uses the descriptor any more. But if a call of this
// Socket runs a callback, and the callback calls Detach, that call still uses the descriptor. Then
// Detach returns a duplicate.
func (s *Socket) Detach() (int, error) {
	s.stopCleanup()
	s.call.Store(nil)
	fd, e := s.d.Detach()
	runtime.KeepAlive(s)
	return fd, fail(opDetach, e)
}

// Fileno returns the descriptor, or -1 if the Socket is closed. The descriptor belongs to the
// Socket, so do not close it.
func (s *Socket) Fileno() int {
	fd := s.d.Number()
	runtime.KeepAlive(s)
	return fd
}

// Family returns the address family of the Socket.
func (s *Socket) Family() int { return int(s.family) }

// Type returns the type of the Socket, for example SOCK_STREAM or SOCK_DGRAM.
func (s *Socket) Type() int { return int(s.typ) }

// connects returns whether the Socket has connections, so that its input can end. That holds for
// SOCK_STREAM, SOCK_SEQPACKET and all other types that send no datagrams.
func (s *Socket) connects() bool { return s.typ != SOCK_DGRAM && s.typ != SOCK_RAW }

func init() {
	inside.Socket = func(k kernel.Kernel, w desc.Waiter, family, typ, proto int) (any, error) {
		return create(k, w, family, typ, proto)
	}
	inside.Desc = func(s any) *desc.Desc { return s.(*Socket).d }
	inside.Secure = func(s any) inside.Readier { return (*readier)(s.(*SSLSocket)) }
}

// SetTimeout sets how long each later call may wait. With timeout.None it waits without limit, and
// with 0 it never waits. timeout.Seconds converts the argument of MicroPython's settimeout.
func (s *Socket) SetTimeout(t timeout.Timeout) error { return s.setTimeout(opSetTimeout, t) }

// SetTimeoutSeconds is SetTimeout for a time in seconds, which must be 0 or more and may be +Inf. A
// value above zero, however small, never becomes 0.
func (s *Socket) SetTimeoutSeconds(seconds float64) error {
	t, err := timeout.Seconds(seconds)
	if err != nil {
		return badValue(opSetTimeout, "seconds %v must be 0 … +Inf", seconds)
	}
	return s.setTimeout(opSetTimeout, t)
}

// SetBlocking(true) is SetTimeout(timeout.None), and SetBlocking(false) is SetTimeout(0).
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

// Timeout returns the value of the last SetTimeout.
func (s *Socket) Timeout() timeout.Timeout { return timeout.Timeout(s.timeout.Load()) }

// start returns a Call that begins now.
func (s *Socket) start() desc.Call { return desc.Call{Limit: s.limit(0)} }

// limit returns how long a call with these flags may wait. With MSG_DONTWAIT it never waits,
// whatever the Timeout (doc/semantics.md, D7).
func (s *Socket) limit(flags int) timeout.Timeout {
	switch {
	case flags&MSG_DONTWAIT != 0:
		return 0
	case s.d.AsNet:
		return timeout.None
	}
	return timeout.Timeout(s.timeout.Load())
}

// startWith is start for a call with flags.
func (s *Socket) startWith(flags int) desc.Call { return desc.Call{Limit: s.limit(flags)} }

// flagsFit returns whether the flags fit in 32 bits, because the kernel gets no more.
func flagsFit(f int) bool { return f == int(int32(f)) || f == int(uint32(f)) }

func badFlags(o op, f int) error {
	return badValue(o, "flags %#x must be 32 bits", f)
}

// use makes a call that never waits.
func (s *Socket) use(o op, f func(fd int) desc.Errno) error {
	e := s.d.Use(f)
	runtime.KeepAlive(s)
	return fail(o, e)
}
