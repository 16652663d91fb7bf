package netconn

import (
	"errors"
	"net"
	"os"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// File returns a file with a duplicate of the descriptor, for another process or for FileConn. The
// file and the connection share the open socket, but closing one does not close the other. A
// simulated socket has no file.
func (b *base) File() (*os.File, error) {
	f, err := b.dup()
	if err != nil {
		return nil, b.opError("file", err)
	}
	return f, nil
}

// File returns a file with a duplicate of the descriptor, for another process or for FileListener.
// Closing one does not close the other. If the other process continues to serve a Unix socket, call
// SetUnlinkOnClose(false).
func (l *listener) File() (*os.File, error) {
	f, err := l.b.dup()
	if err != nil {
		return nil, &net.OpError{Op: "file", Net: l.b.net, Addr: l.b.local, Err: err}
	}
	return f, nil
}

func (b *base) dup() (f *os.File, err error) {
	d := b.d
	if _, simulated := d.Kernel.(kernel.Dated); simulated {
		return nil, os.NewSyscallError("dup", kernel.ENOTSUP)
	}
	fd := -1
	e := d.Use(func(n int) (e desc.Errno) {
		fd, e = kernel.Dup(d.Kernel, n)
		return e
	})
	if e != 0 {
		return nil, b.cause("dup", e)
	}
	name := b.net + ":"
	if b.local != nil {
		name += b.local.String()
	}
	if name += "->"; b.remote != nil {
		name += b.remote.String()
	}
	return os.NewFile(uintptr(fd), name), nil
}

// FileConn returns the connection of an open socket file, for example of one that another process
// has passed. The result is a *TCPConn, *UDPConn or *UnixConn with a duplicate of the descriptor.
// Close f when you no longer need it.
func FileConn(f *os.File) (net.Conn, error) {
	s, err := ofFile(f)
	if err != nil {
		return nil, err
	}
	c := New(s)
	if tcp, ok := c.(*TCPConn); ok {
		tcpOptions(tcp.s, netaddr.KeepAliveOf(0, net.KeepAliveConfig{}))
	}
	return c, nil
}

// FileListener returns the listener of an open socket file: a *TCPListener or *UnixListener with a
// duplicate of the descriptor. Its Close does not remove the file of a Unix socket: see
// SetUnlinkOnClose.
func FileListener(f *os.File) (net.Listener, error) {
	s, err := ofFile(f)
	if err == nil && s.Type() == socket.SOCK_DGRAM && s.Family() != socket.AF_UNIX {
		_ = s.Close() // s has a duplicate
		err = fileError(f, kernel.EINVAL)
	}
	if err != nil {
		return nil, err
	}
	l := NewListener(s)
	switch l := l.(type) {
	case *UnixListener:
		l.file = fileOf(s)
		l.keep.Store(true)
	case *Listener: // the owner of the file may have set no options
		keep := netaddr.KeepAliveOf(0, net.KeepAliveConfig{})
		l.options = &keep
	}
	return l, nil
}

// FilePacketConn returns the datagram socket of an open socket file: a *UDPConn or *UnixConn with a
// duplicate of the descriptor.
func FilePacketConn(f *os.File) (net.PacketConn, error) {
	s, err := ofFile(f)
	if err != nil {
		return nil, err
	}
	c := New(s)
	pc, ok := c.(net.PacketConn)
	if !ok {
		_ = c.Close()
		return nil, fileError(f, kernel.EINVAL)
	}
	return pc, nil
}

// ofFile makes a Socket from a file. For a file that is no suitable socket it returns an error, and
// does not change that file.
func ofFile(f *os.File) (*socket.Socket, error) {
	if f == nil {
		panic("netconn: a nil File: pass one of an open socket")
	}
	fd, err := kernel.DupOf(kernel.Host, f)
	var e kernel.Errno
	if errors.As(err, &e) {
		err = os.NewSyscallError("fcntl", e) // as in package net
	}
	if err != nil {
		return nil, fileError(f, err)
	}
	s, err := socket.FromFD(fd)
	if err == nil && s.Type() == socket.SOCK_RAW {
		_ = s.Close()
		return nil, fileError(f, kernel.EPROTONOSUPPORT)
	}
	if err == nil {
		return s, nil
	}
	kernel.Host.Close(fd)
	switch errors.As(err, &e); e {
	case 0:
		return nil, fileError(f, err)
	case kernel.EAFNOSUPPORT: // a family that package net does not know
		return nil, fileError(f, kernel.EPROTONOSUPPORT)
	}
	return nil, fileError(f, os.NewSyscallError("getsockopt", e))
}

func fileError(f *os.File, err error) error {
	return &net.OpError{Op: "file", Net: "file+net", Addr: fileAddr(f.Name()), Err: err}
}

// A fileAddr is the address in an error about a file.
type fileAddr string

func (fileAddr) Network() string  { return "file+net" }
func (a fileAddr) String() string { return string(a) }
