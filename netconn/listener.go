package netconn

import (
	"context"
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

// A Listener accepts stream connections.
type Listener struct {
	b    base
	file netaddr.File // of a Unix socket that Listen has made
	keep atomic.Bool  // Close leaves the file
	once sync.Once
}

// backlog is how many connections may wait for Accept. The system may have a lower limit.
const backlog = 4096

func (n *Net) listen(ctx context.Context, network, address string) (*Listener, error) {
	a, err := findNetwork(network)
	var l *Listener
	if err == nil {
		l, err = n.listenAt(ctx, a, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: guess(a, address), Err: mapContext(err)}
	}
	return l, nil
}

func (n *Net) listenAt(ctx context.Context, a netaddr.Network, address string) (*Listener, error) {
	s, err := n.bind(ctx, a, address, socket.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	l := &Listener{}
	l.b.open(s, a.Name)
	l.file = fileOf(s)
	if err := s.Listen(backlog); err != nil {
		_ = l.Close() // it has accepted nothing: listen's error counts
		return nil, osCause("listen", err)
	}
	return l, nil
}

// bind makes a bound socket. An error in the address counts before a network of the wrong type, as
// in package net.
func (n *Net) bind(ctx context.Context, a netaddr.Network, address string, typ int) (*socket.Socket, error) {
	at, err := n.binding(ctx, a, address)
	if err == nil && a.Type != typ {
		err = &net.AddrError{Err: "unexpected address type", Addr: address}
	}
	if err != nil {
		return nil, err
	}
	s, err := n.socket(at.Addr.Family, a.Type)
	if ipv4, ok := at.Fallback(errnoOf(err)); ok {
		at = ipv4
		s, err = n.socket(at.Addr.Family, a.Type)
	}
	if err != nil {
		return nil, osCause("socket", err)
	}
	if err := bindOptions(s, a, at); err != nil {
		_ = s.Close()
		return nil, osCause("setsockopt", err)
	}
	if err := s.Bind(socketAddr(at.Addr)); err != nil {
		_ = s.Close()
		return nil, osCause("bind", err)
	}
	return s, nil
}

// setter returns a function that sets options of s.
func setter(s *socket.Socket) netaddr.Setter {
	return func(level, name, value int, _ string) error { return s.SetSockOpt(level, name, value) }
}

func bindOptions(s *socket.Socket, a netaddr.Network, at netaddr.Binding) error {
	if err := at.Options(a, setter(s), s.GetSockOpt); err != nil {
		return err
	}
	if a.TCP() && inside.Desc(s).Kernel.Traits().InheritsOptions {
		tcpOptions(s)
	}
	return nil
}

// keepAlive is package net's default period.
const keepAlive = 15 * time.Second

// tcpOptions sets what package net sets on every TCP connection. A refusal is no error.
func tcpOptions(s *socket.Socket) {
	_ = s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, true)
	_ = netaddr.KeepAlive(keepAlive, setter(s))
}

// Accept waits for a connection and returns it as a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	s, from, err := l.b.s.Accept()
	if err != nil {
		op := l.b.failed("accept", err).(*net.OpError)
		op.Source, op.Addr = nil, l.b.local
		return nil, op
	}
	c := &Conn{}
	c.own(s, l.b.net)
	c.remote = l.b.netAddr(from)
	if local, err := s.LocalAddr(); err == nil {
		c.local = l.b.netAddr(local)
	}
	if !c.d.Kernel.Traits().InheritsOptions && s.Family() != socket.AF_UNIX {
		tcpOptions(s)
	}
	return c, nil
}

// SyscallConn returns access to the descriptor. As with package net, only Control works.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
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
func (l *Listener) Addr() net.Addr { return l.b.local }

// Socket returns the socket below. Closing or detaching it closes the Listener too.
func (l *Listener) Socket() *socket.Socket { return l.b.s }

// SetDeadline sets the time at which Accept ends with os.ErrDeadlineExceeded. The zero time means
// no deadline.
func (l *Listener) SetDeadline(t time.Time) error { return l.b.setDeadline(t, desc.In) }

// Close stops listening. Accept ends with net.ErrClosed, and accepted connections stay open. Close
// removes the file of a Unix socket that Listen has made, if that is still at its path: see
// SetUnlinkOnClose.
func (l *Listener) Close() error {
	// The file goes before the descriptor closes: after that, another program that finds no
	// listener may put its own file there.
	l.once.Do(func() {
		if !l.keep.Load() {
			remove(l.b.s, l.file)
		}
	})
	err := l.b.Close()
	if op, ok := err.(*net.OpError); ok {
		op.Source, op.Addr = nil, l.b.local
	}
	return err
}

// SetUnlinkOnClose chooses whether Close removes the file of a Unix socket. By default it does.
// With false the file stays, for another process that goes on with the socket. Any goroutine may
// call it.
func (l *Listener) SetUnlinkOnClose(unlink bool) { l.keep.Store(!unlink) }

// fileOf returns the file that binding the socket has just made.
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

// remove removes the file of an open socket. If the socket was detached, the file belongs to its
// new owner and stays.
func remove(s *socket.Socket, f netaddr.File) {
	d := inside.Desc(s)
	d.Use(func(int) desc.Errno { return f.Remove(d.Kernel) }) // a failure is not part of Close's error
	runtime.KeepAlive(s)
}

func isErrno(err error, e kernel.Errno) bool { return errnoOf(err) == e }

// errnoOf returns the number in a Socket's error, 0 if there is none.
func errnoOf(err error) kernel.Errno {
	if e, ok := err.(*socket.OSError); ok && e.Errno > 0 {
		return kernel.Errno(e.Errno)
	}
	return 0
}
