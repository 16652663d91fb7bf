package netconn

import (
	"fmt"
	"math"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// base is the common part of Conn, PacketConn and Listener: a Socket whose calls wait, with a
// deadline for each direction.
type base struct {
	s             *socket.Socket
	d             *desc.Desc // the Desc of s
	net           string     // the network, as given to Dial or Listen
	local, remote net.Addr
	closed        atomic.Bool
}

// adopt starts using a socket that was made elsewhere.
func (b *base) adopt(s *socket.Socket) {
	b.open(s, networkOf(s))
}

// unixPacket is package net's name of SOCK_SEQPACKET.
const unixPacket = "unixpacket"

func networkOf(s *socket.Socket) string {
	unix, dgram := s.Family() == socket.AF_UNIX, s.Type() == socket.SOCK_DGRAM
	switch {
	case unix && dgram:
		return "unixgram"
	case unix && s.Type() == socket.SOCK_SEQPACKET:
		return unixPacket
	case unix:
		return "unix"
	case dgram:
		return "udp"
	}
	return "tcp"
}

// open starts using a socket and stores its addresses, because they must be available after Close.
func (b *base) open(s *socket.Socket, network string) {
	b.own(s, network)
	if a, err := b.s.LocalAddr(); err == nil {
		b.local = b.netAddr(a)
	}
	if a, err := b.s.RemoteAddr(); err == nil {
		b.remote = b.netAddr(a)
	}
}

// own starts using a socket under the rules of package net: the Socket's Timeout has no effect.
func (b *base) own(s *socket.Socket, network string) {
	b.s, b.d, b.net = s, inside.Desc(s), network
	b.d.AsNet = true
}

// LocalAddr returns a *net.TCPAddr, *net.UDPAddr or *net.UnixAddr, even after Close.
func (b *base) LocalAddr() net.Addr { return b.local }

// Socket returns the socket below the connection. If you close or detach the socket, the connection
// is closed too.
func (b *base) Socket() *socket.Socket { return b.s }

// Close ends every call in progress with net.ErrClosed, and returns when the descriptor is closed.
// A second Close returns net.ErrClosed.
func (b *base) Close() error {
	if b.closed.Swap(true) {
		_ = b.s.Close() // waits for the first Close
		return b.fail("close", kernel.EBADF)
	}
	if err := b.s.Close(); err != nil {
		return b.failed("close", err)
	}
	return nil
}

// SetDeadline does what SetReadDeadline and SetWriteDeadline do.
func (b *base) SetDeadline(t time.Time) error { return b.setDeadline(t, desc.In, desc.Out) }

// SetReadDeadline sets the time at which calls that receive or accept end, including calls that
// already wait. They return os.ErrDeadlineExceeded. A time in the past ends them at once, and the
// zero time means no deadline. The deadline may be changed at any time. When it passes, the
// connection stays open. On a simulated host, t is a time of that host: see Net.Time.
func (b *base) SetReadDeadline(t time.Time) error { return b.setDeadline(t, desc.In) }

// SetWriteDeadline is SetReadDeadline for calls that send.
func (b *base) SetWriteDeadline(t time.Time) error { return b.setDeadline(t, desc.Out) }

func (b *base) setDeadline(t time.Time, dirs ...desc.Dir) error {
	d := b.d
	at := timeout.Never
	if !t.IsZero() {
		at = timeout.Past
		if left := kernel.Until(d.Kernel, t); left > 0 {
			// The monotonic clock is read last, because a deadline may be late, but not early.
			at = timeout.Timeout(left).After(d.Kernel.Now())
		}
	}
	var e desc.Errno
	for _, dir := range dirs {
		if f := d.SetDeadline(dir, at); f != 0 {
			e = f
		}
	}
	runtime.KeepAlive(b.s)
	if e != 0 {
		return &net.OpError{Op: "set", Net: b.net, Addr: b.local, Err: b.cause("set", e)}
	}
	return nil
}

// SyscallConn returns access to the descriptor: see syscall.RawConn. Its Read and Write wait like
// those of the connection.
func (b *base) SyscallConn() (syscall.RawConn, error) {
	return raw{b}, nil
}

type raw struct{ *base }

// rawOf returns access to the descriptor of a socket that is not connected yet.
func rawOf(s *socket.Socket, network string) syscall.RawConn {
	b := &base{}
	b.own(s, network)
	return raw{b}
}

func (r raw) Control(f func(fd uintptr)) error {
	d := r.d
	e := d.Use(func(fd int) desc.Errno {
		d.User(func() { f(uintptr(fd)) })
		return 0
	})
	runtime.KeepAlive(r.s)
	if e != 0 {
		return &net.OpError{Op: "raw-control", Net: r.net, Addr: r.local, Err: r.cause("raw-control", e)}
	}
	return nil
}

func (r raw) Read(f func(fd uintptr) (done bool)) error  { return r.do("raw-read", desc.In, f) }
func (r raw) Write(f func(fd uintptr) (done bool)) error { return r.do("raw-write", desc.Out, f) }

func (r raw) do(op string, dir desc.Dir, f func(fd uintptr) bool) error {
	d := r.d
	c := forever()
	_, e := d.Do(dir, &c, func() (int, desc.Errno) {
		done := false
		if d.User(func() { done = f(uintptr(d.FD)) }); done {
			return 0, 0
		}
		return 0, kernel.EAGAIN
	})
	runtime.KeepAlive(r.s)
	if e != 0 {
		return r.fail(op, e)
	}
	return nil
}

// forever returns a Call without a limit of its own: only the deadline of the direction ends it.
func forever() desc.Call { return desc.Call{Limit: timeout.None} }

// SetReadBuffer sets the size of the kernel's receive buffer.
func (b *base) SetReadBuffer(bytes int) error {
	return b.set(socket.SOL_SOCKET, socket.SO_RCVBUF, bytes)
}

// SetWriteBuffer sets the size of the kernel's send buffer.
func (b *base) SetWriteBuffer(bytes int) error {
	return b.set(socket.SOL_SOCKET, socket.SO_SNDBUF, bytes)
}

// tooLarge returns the error for an option's value that does not fit into the kernel's 32 bits.
func (b *base) tooLarge(v int64) error {
	err := fmt.Errorf("value %d: must be %d … %d: %w", v, math.MinInt32, math.MaxInt32, os.NewSyscallError("setsockopt", kernel.EINVAL))
	return &net.OpError{Op: "set", Net: b.net, Addr: b.local, Err: err}
}

func (b *base) set(level, name int, v any) error {
	if n, ok := v.(int); ok && n != int(int32(n)) {
		return b.tooLarge(int64(n))
	}
	if err := b.s.SetSockOpt(level, name, v); err != nil {
		e := b.failed("setsockopt", err).(*net.OpError)
		e.Op, e.Source, e.Addr = "set", nil, b.local
		return e
	}
	return nil
}
