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
	keep atomic.Bool  // the file, at Close
	once sync.Once
}

// backlog is how many connections wait for Accept; the system may have less.
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
		_ = l.Close() // it has never served
		return nil, osCause("listen", err)
	}
	return l, nil
}

// bind makes a socket that is bound. What is wrong with an address is told before that the network
// has another type.
func (n *Net) bind(ctx context.Context, a netaddr.Network, address string, typ int) (*socket.Socket, error) {
	b, err := n.binding(ctx, a, address)
	if err == nil && a.Type != typ {
		err = &net.AddrError{Err: "unexpected address type", Addr: address}
	}
	if err != nil {
		return nil, err
	}
	s, err := n.socket(b.Addr.Family, a.Type)
	if four, ok := b.Fallback(errnoOf(err)); ok {
		b = four
		s, err = n.socket(b.Addr.Family, a.Type)
	}
	if err != nil {
		return nil, osCause("socket", err)
	}
	if err := bindOptions(s, a, b); err != nil {
		_ = s.Close()
		return nil, osCause("setsockopt", err)
	}
	if err := s.Bind(socketAddr(b.Addr)); err != nil {
		_ = s.Close()
		return nil, osCause("bind", err)
	}
	return s, nil
}

// setter sets options of a socket.
func setter(s *socket.Socket) netaddr.Setter {
	return func(level, name, value int, _ string) error { return s.SetSockOpt(level, name, value) }
}

func bindOptions(s *socket.Socket, a netaddr.Network, b netaddr.Binding) error {
	if err := b.Options(a, setter(s), s.GetSockOpt); err != nil {
		return err
	}
	if a.TCP() && inside.Desc(s).Kernel.Traits().InheritsOptions {
		tcpOptions(s)
	}
	return nil
}

// keepAlive is package net's.
const keepAlive = 15 * time.Second

// tcpOptions are what package net sets on every TCP connection. One that refuses them does without.
func tcpOptions(s *socket.Socket) {
	_ = s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, true)
	_ = netaddr.KeepAlive(keepAlive, setter(s))
}

// Accept waits for a connection, which is a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	s, from, err := l.b.s.Accept()
	if err != nil {
		e := l.b.failed("accept", err).(*net.OpError)
		e.Source, e.Addr = nil, l.b.local
		return nil, e
	}
	c := &Conn{}
	c.own(s, l.b.net)
	c.remote = l.b.netAddr(from)
	if a, err := s.LocalAddr(); err == nil {
		c.local = l.b.netAddr(a)
	}
	if !c.d.Kernel.Traits().InheritsOptions && s.Family() != socket.AF_UNIX {
		tcpOptions(s)
	}
	return c, nil
}

// SyscallConn gives access to the descriptor. As package net has it, only Control works.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	c, err := l.b.SyscallConn()
	if err != nil {
		return nil, err
	}
	return rawListener{c}, nil
}

type rawListener struct{ syscall.RawConn }

func (rawListener) Read(func(uintptr) bool) error  { return kernel.EINVAL }
func (rawListener) Write(func(uintptr) bool) error { return kernel.EINVAL }

// Addr is where it listens, with the port that the kernel chose.
func (l *Listener) Addr() net.Addr { return l.b.local }

// Socket returns the socket below. Who closes or detaches it has closed the Listener.
func (l *Listener) Socket() *socket.Socket { return l.b.s }

// SetDeadline has Accept give up at t.
func (l *Listener) SetDeadline(t time.Time) error { return l.b.setDeadline(t, desc.In) }

// Close stops listening; connections live on. Accept ends with net.ErrClosed. It removes the file
// of a Unix socket that Listen has made, while that is still at its path: see SetUnlinkOnClose.
func (l *Listener) Close() error {
	l.once.Do(func() { // before the descriptor closes: whoever finds nobody listening may put a file of his own there
		if !l.keep.Load() {
			remove(l.b.s, l.file)
		}
	})
	err := l.b.Close()
	if e, ok := err.(*net.OpError); ok {
		e.Source, e.Addr = nil, l.b.local
	}
	return err
}

// SetUnlinkOnClose chooses whether Close removes the file of a Unix socket, which it does by
// default. With false the file stays, for a process that goes on with the socket. Any goroutine may
// call it.
func (l *Listener) SetUnlinkOnClose(unlink bool) { l.keep.Store(!unlink) }

// fileOf is the file that binding the socket has just made.
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

// remove removes the file of a socket that is open: one that was given away is somebody else's,
// with its file.
func remove(s *socket.Socket, f netaddr.File) {
	d := inside.Desc(s)
	d.Use(func(int) desc.Errno { return f.Remove(d.Kernel) }) // what cannot be removed has no place in Close's error
	runtime.KeepAlive(s)
}

func isErrno(err error, e kernel.Errno) bool { return errnoOf(err) == e }

// errnoOf is the number in a Socket's error, 0 if there is none.
func errnoOf(err error) kernel.Errno {
	if e, ok := err.(*socket.OSError); ok && e.Errno > 0 {
		return kernel.Errno(e.Errno)
	}
	return 0
}
