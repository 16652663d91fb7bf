package socket

import (
	"fmt"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
)

// FromFD makes a blocking Socket of a descriptor that was made elsewhere. It is the reverse of
// Detach, and is CPython's socket(fileno=fd). The Socket then owns the descriptor, which becomes
// non-blocking and close-on-exec. If bytes were already received from the descriptor, pass them to
// NewInputAfter.
//
// FromFD checks the descriptor before it changes anything. If FromFD returns an error, the
// descriptor still belongs to the caller, and nothing has changed.
func FromFD(fd int) (*Socket, error) { return from(kernel.Host, desc.Parked, fd) }

// FromFDOn is FromFD for a Socket that belongs to the loop of r: see NewOn. Only the loop may call
// it. If a Conn, a Watch or a Task of the loop has registered the descriptor, FromFDOn returns an
// error.
func FromFDOn(r *reactor.Reactor, fd int) (*Socket, error) {
	return from(r.Kernel(), inside.Waiter(r), fd)
}

// FromConn makes a blocking Socket of a connection of package net, of package netconn, or of
// another type that has a SyscallConn method. The Socket gets a duplicate of the descriptor, and
// FromConn closes c. If FromConn returns an error, c stays open. A connection that buffers or
// encrypts has no SyscallConn: pass the connection below it.
func FromConn(c net.Conn) (*Socket, error) { return fromConn(kernel.Host, desc.Parked, c) }

// FromConnOn is FromConn for a Socket that belongs to the loop of r: see NewOn.
func FromConnOn(r *reactor.Reactor, c net.Conn) (*Socket, error) {
	return fromConn(r.Kernel(), inside.Waiter(r), c)
}

func from(k kernel.Kernel, w desc.Waiter, fd int) (*Socket, error) {
	f, err := kernel.Find(k, fd)
	if err != nil {
		return nil, fmt.Errorf("socket: fromfd: %w", err)
	}
	if w.Has(fd) {
		return nil, fmt.Errorf("socket: fromfd: descriptor %d is registered already: Detach it there first, or Stop its Watch: %w", fd, kernel.EEXIST)
	}
	if e := kernel.Take(k, fd); e != 0 {
		return nil, fmt.Errorf("socket: fromfd: descriptor %d: fcntl: %w", fd, e)
	}
	s := new(Socket)
	s.adopt(k, w, fd, f.Family, f.Type)
	s.closeIfUnreachable()
	if f.Connected {
		s.peer.Store(&f.Peer)
		s.connect.Store(connected)
	}
	return s, nil
}

func fromConn(k kernel.Kernel, w desc.Waiter, c net.Conn) (*Socket, error) {
	fd, err := kernel.DupOf(k, c)
	if err != nil {
		return nil, fmt.Errorf("socket: fromconn: %w", err)
	}
	s, err := from(k, w, fd)
	if err != nil {
		k.Close(fd)
		return nil, err
	}
	_ = c.Close() // the Socket has a duplicate of the descriptor
	return s, nil
}
