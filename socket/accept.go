package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Accept waits for a connection. The returned Socket is blocking. Its calls wait in the same way as
// those of the listener: they park the goroutine or suspend the Task. If no descriptor or no memory
// is free, Accept tries again from time to time. A non-blocking Accept returns the error instead.
func (s *Socket) Accept() (*Socket, Addr, error) {
	a := acceptor{s: s, c: s.start()}
	fd, e := s.d.Do(desc.In, &a.c, a.try)
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, Addr{}, s.fail(opAccept, e)
	}
	d := s.d
	conn := &accepted{from: a.from}
	conn.adopt(d.Kernel, d.Waiter, fd, int(s.family), int(s.typ))
	s.addToNursery(&conn.Socket)
	conn.d.ShortIsAll = d.ShortIsAll
	conn.d.ExpectNothing()
	conn.lowat.Store(s.lowat.Load()) // SO_RCVLOWAT: an accepted socket inherits it
	conn.peer.Store(&conn.from)
	conn.connect.Store(connected)
	return &conn.Socket, Addr{a: a.from}, nil
}

// An accepted is a Socket together with its peer's address, so that both are one allocation.
type accepted struct {
	Socket
	from kernel.Addr
}

const (
	lostMost  = 128 // after so many lost connections in a row, Accept returns the error
	restFirst = timeout.Timeout(5e6)
	restMost  = timeout.Timeout(1e9)
)

// An acceptor has the state of one Accept. It stays on the stack.
type acceptor struct {
	s    *Socket
	c    desc.Call
	from kernel.Addr
	lost int
}

func (a *acceptor) try() (int, desc.Errno) {
	d := a.s.d
	fd, from, e := d.Kernel.Accept(d.FD)
	rest := a.c.Step
	a.c.Step = 0
	switch {
	case e == 0:
		a.from = from
	case outOfResources(e):
		// As in package net, the error is returned at once: a caller of package net's Accept sleeps
		// before it tries again.
		if !a.c.Limit.Blocks() || d.AsNet && d.Waiter.Shared() {
			return fd, e
		}
		if loop, ok := d.Waiter.(interface{ Lacking(fd int, e kernel.Errno) }); ok && rest == 0 {
			loop.Lacking(d.FD, e) // the loop logs e, because this call does not return it
		}
		a.c.Step = min(max(2*rest, restFirst), restMost)
		return 0, kernel.EAGAIN
	case passing(e) && a.s.connects():
		if a.lost++; a.lost < lostMost { // this connection is lost, but another one may wait
			a.c.Again = true
			return 0, 0
		}
	}
	return fd, e
}

// outOfResources returns whether accept has failed because no descriptor or no memory is free.
func outOfResources(e kernel.Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM:
		return true
	}
	return false
}

// passing returns whether an error of accept does not concern the listener: a connection was lost,
// or a resource is missing. The list of such errors in accept(2) depends on the system and becomes
// longer. So passing lists the errors that do concern the listener.
func passing(e kernel.Errno) bool {
	switch e {
	case 0, kernel.EAGAIN, kernel.EBADF, kernel.EINVAL, kernel.ENOTSOCK, kernel.EFAULT, kernel.ENOSYS, kernel.EDEADLK,
		kernel.ECANCELED:
		return false
	}
	return true
}
