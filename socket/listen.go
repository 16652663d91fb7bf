package socket

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Bind binds the Socket to a local address.
func (s *Socket) Bind(a Addr) error {
	k, wrong, err := s.address(opBind, a)
	if err != nil {
		return err
	}
	return s.use(opBind, func(fd int) desc.Errno {
		if wrong != 0 {
			return wrong
		}
		return s.d.Kernel.Bind(fd, k)
	})
}

// DefaultBacklog is the backlog of MicroPython's listen, if that has no argument.
const DefaultBacklog = min(kernel.SOMAXCONN, 128)

// Listen makes the Socket accept connections. At most backlog connections wait for Accept. A
// negative backlog counts as 0.
func (s *Socket) Listen(backlog int) error {
	n := min(max(backlog, 0), 1<<31-1)
	return s.use(opListen, func(fd int) desc.Errno { return s.d.Kernel.Listen(fd, n) })
}

// Shutdown ends one direction or both: SHUT_RD, SHUT_WR or SHUT_RDWR.
func (s *Socket) Shutdown(how int) error {
	if how != int(int32(how)) { // the kernel would get another value
		return fail(opShutdown, kernel.EINVAL)
	}
	return s.use(opShutdown, func(fd int) desc.Errno { return s.d.Kernel.Shutdown(fd, how) })
}

// LocalAddr returns the address to which the Socket is bound.
func (s *Socket) LocalAddr() (a Addr, err error) {
	err = s.use(opLocalAddr, func(fd int) (e desc.Errno) {
		a.a, e = s.d.Kernel.LocalAddr(fd)
		return e
	})
	return a, err
}

// RemoteAddr returns the address to which the Socket is connected.
func (s *Socket) RemoteAddr() (a Addr, err error) {
	err = s.use(opRemoteAddr, func(fd int) (e desc.Errno) {
		a.a, e = s.d.Kernel.PeerAddr(fd)
		return e
	})
	return a, err
}
