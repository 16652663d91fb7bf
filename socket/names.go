package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Bind gives the Socket a local address.
func (s *Socket) Bind(a Addr) error {
	k, wrong, err := s.address(opBind, a)
	if err != nil {
		return err
	}
	return s.use(opBind, func(fd int) desc.Errno {
		if wrong != 0 {
			return wrong
		}
		return s.d.K.Bind(fd, k)
	})
}

// backlogDefault is what Listen takes without an argument.
const backlogDefault = min(kernel.SOMAXCONN, 128)

// Listen has the Socket take connections. backlog is how many may wait for Accept; less than 0 is 0.
func (s *Socket) Listen(backlog ...int) error {
	n := backlogDefault
	if len(backlog) > 0 {
		n = min(max(backlog[0], 0), 1<<31-1)
	}
	return s.use(opListen, func(fd int) desc.Errno { return s.d.K.Listen(fd, n) })
}

// Accept waits for a connection. The Socket it gives is blocking and waits as its listener does.
func (s *Socket) Accept() (*Socket, Addr, error) {
	var from kernel.Addr
	c := s.start()
	d := s.d
	fd, e := d.Do(desc.In, &c, func() (int, desc.Errno) {
		for {
			fd, a, e := d.K.Accept(d.FD)
			from = a
			if e != kernel.ECONNABORTED { // that one is gone, the next may be there
				return fd, e
			}
		}
	})
	runtime.KeepAlive(s)
	if e != 0 {
		return nil, Addr{}, fail(opAccept, e)
	}
	conn := adopt(d.K, d.W, fd, int(s.family), int(s.typ))
	conn.d.ShortIsAll = s.d.ShortIsAll
	conn.lowat.Store(s.lowat.Load()) // inherited
	conn.peer.Store(&from)
	conn.connect.Store(connected)
	return conn, Addr{a: from}, nil
}

// Shutdown ends one or both directions: SHUT_RD, SHUT_WR or SHUT_RDWR.
func (s *Socket) Shutdown(how int) error {
	return s.use(opShutdown, func(fd int) desc.Errno { return s.d.K.Shutdown(fd, how) })
}

// LocalAddr is where the Socket is bound.
func (s *Socket) LocalAddr() (a Addr, err error) {
	err = s.use(opLocalAddr, func(fd int) (e desc.Errno) {
		a.a, e = s.d.K.LocalAddr(fd)
		return e
	})
	return a, err
}

// RemoteAddr is whom the Socket is connected to.
func (s *Socket) RemoteAddr() (a Addr, err error) {
	err = s.use(opRemoteAddr, func(fd int) (e desc.Errno) {
		a.a, e = s.d.K.PeerAddr(fd)
		return e
	})
	return a, err
}
