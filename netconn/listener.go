package netconn

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// listener is the common part of Listener and UnixListener.
type listener struct{ b base }

// A Listener accepts TCP connections.
type Listener struct {
	listener
	// options are set on each accepted socket. nil means that accepted sockets inherit their options.
	options *net.KeepAliveConfig
}

// A TCPListener is a Listener, under its name in package net.
type TCPListener = Listener

// A UnixListener accepts connections of a Unix socket.
type UnixListener struct {
	listener
	file netaddr.File // the file that Listen has made
	keep atomic.Bool  // Close does not remove the file
	once sync.Once
}

// accept waits for a connection, and makes b the base of it.
func (l *listener) accept(b *base) error {
	s, from, err := l.b.s.Accept()
	if err != nil {
		op := l.b.failed("accept", err).(*net.OpError)
		op.Source, op.Addr = nil, l.b.local
		return op
	}
	b.own(s, l.b.net)
	b.remote = b.netAddr(from)
	if local, err := s.LocalAddr(); err == nil {
		b.local = b.netAddr(local)
	}
	return nil
}

// Accept waits for a connection and returns it as a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP is Accept.
func (l *Listener) AcceptTCP() (*TCPConn, error) {
	c := &Conn{}
	if err := l.accept(&c.base); err != nil {
		return nil, err
	}
	if l.options != nil {
		tcpOptions(c.s, *l.options)
	}
	return c, nil
}

// Accept waits for a connection and returns it as a *UnixConn.
func (l *UnixListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptUnix is Accept.
func (l *UnixListener) AcceptUnix() (*UnixConn, error) {
	c := &UnixConn{}
	if err := l.accept(&c.base); err != nil {
		return nil, err
	}
	return c, nil
}

// SyscallConn returns access to the descriptor. As with package net, only Control works.
func (l *listener) SyscallConn() (syscall.RawConn, error) {
	rc, err := l.b.SyscallConn()
	if err != nil {
		return nil, err
	}
	return rawListener{rc}, nil
}

type rawListener struct{ syscall.RawConn }

func (rawListener) Read(func(uintptr) bool) error  { return kernel.EINVAL }
func (rawListener) Write(func(uintptr) bool) error { return kernel.EINVAL }

// Addr returns the address where the Listener listens, with the port that the kernel has chosen.
func (l *listener) Addr() net.Addr { return l.b.local }

// Socket returns the socket below. Closing or detaching it closes the Listener too.
func (l *listener) Socket() *socket.Socket { return l.b.s }

// SetDeadline sets the time at which Accept ends with os.ErrDeadlineExceeded. The zero time means
// no deadline.
func (l *listener) SetDeadline(t time.Time) error {
	err := l.b.setDeadline(t, desc.In)
	if op, ok := err.(*net.OpError); ok { // package net's error has no address here
		return op.Err
	}
	return err
}

// Close stops listening. Accept ends with net.ErrClosed, and accepted connections stay open.
func (l *listener) Close() error {
	err := l.b.Close()
	if op, ok := err.(*net.OpError); ok {
		op.Source, op.Addr = nil, l.b.local
	}
	return err
}

// Close stops listening. Accept ends with net.ErrClosed, and accepted connections stay open. Close
// removes the socket file that Listen has made, if its path still leads to this file: see
// SetUnlinkOnClose.
func (l *UnixListener) Close() error {
	// The file is removed before the descriptor is closed. After the close another program may notice
	// that nobody listens at the path, and put its own file there.
	l.once.Do(func() {
		if !l.keep.Load() {
			remove(l.b.s, l.file)
		}
	})
	return l.listener.Close()
}

// SetUnlinkOnClose chooses whether Close removes the file of the socket. By default Close removes
// it. With false the file stays, for another process that continues to serve the socket. Any
// goroutine may call SetUnlinkOnClose.
func (l *UnixListener) SetUnlinkOnClose(unlink bool) { l.keep.Store(!unlink) }

// fileOf returns the file that bind has just made for s.
func fileOf(s *socket.Socket) netaddr.File {
	if s.Family() != socket.AF_UNIX {
		return netaddr.File{}
	}
	at, err := s.LocalAddr()
	if err != nil {
		return netaddr.File{}
	}
	return netaddr.FileOf(inside.Desc(s).Kernel, kernelAddr(at))
}

// remove removes the file of an open socket. If the socket was detached, the file belongs to the
// new owner and stays.
func remove(s *socket.Socket, f netaddr.File) {
	d := inside.Desc(s)
	d.Use(func(int) desc.Errno {
		_, e := f.Remove(d.Kernel)
		return e // Close ignores this error
	})
	runtime.KeepAlive(s)
}

func isErrno(err error, e kernel.Errno) bool { return errnoOf(err) == e }

// errnoOf returns the Errno in a Socket's error, or 0 if the error has none.
func errnoOf(err error) kernel.Errno {
	if e, ok := err.(*socket.OSError); ok && e.Errno > 0 {
		return kernel.Errno(e.Errno)
	}
	return 0
}
