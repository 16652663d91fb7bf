package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Accept waits for a connection. The Socket it gives is blocking and waits as its listener does.
// While the system lacks descriptors or memory, a call that may wait tries again now and then.
func (s *Socket) Accept() (*Socket, Addr, error) {
	c := s.start()
	a := acceptor{s: s, c: &c}
	fd, e := s.d.Do(desc.In, &c, a.try)
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, Addr{}, fail(opAccept, e)
	}
	d := s.d
	conn := adopt(d.Kernel, d.Waiter, fd, int(s.family), int(s.typ))
	conn.d.ShortIsAll = d.ShortIsAll
	conn.lowat.Store(s.lowat.Load()) // inherited
	from := a.from                   // a stays on the stack
	conn.peer.Store(&from)
	conn.connect.Store(connected)
	return conn, Addr{a: from}, nil
}

const (
	lostMost  = 128 // connections in a row that are gone when they are accepted: then Accept returns the error
	restFirst = timeout.Timeout(5e6)
	restMost  = timeout.Timeout(1e9)
)

// An acceptor is one Accept.
type acceptor struct {
	s    *Socket
	c    *desc.Call
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
		if !a.c.Limit.Blocks() || d.AsNet && d.Waiter.Shared() { // package net returns it, and its users rest
			return fd, e
		}
		if loop, ok := d.Waiter.(interface{ Lacking(fd int, e kernel.Errno) }); ok && rest == 0 {
			loop.Lacking(d.FD, e) // nobody else notices, for the call goes on
		}
		a.c.Step = min(max(2*rest, restFirst), restMost)
		return 0, kernel.EAGAIN
	case passing(e) && a.s.connects():
		if a.lost++; a.lost < lostMost { // that one is gone, the next may be there
			a.c.Again = true
			return 0, 0
		}
	}
	return fd, e
}

// outOfResources tells whether accept fails because the system has no room for another descriptor.
func outOfResources(e kernel.Errno) bool {
	switch e {
	case kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM:
		return true
	}
	return false
}

// passing tells whether an error of accept says nothing of the listener: the connection was lost
// (accept(2) has a list, and systems add to it), or something is lacking. The short list is that of
// the others.
func passing(e kernel.Errno) bool {
	switch e {
	case 0, kernel.EAGAIN, kernel.EBADF, kernel.EINVAL, kernel.ENOTSOCK, kernel.EFAULT, kernel.ENOSYS, kernel.EDEADLK,
		kernel.ECANCELED:
		return false
	}
	return true
}
