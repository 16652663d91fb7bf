package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// noSignal is 0, because silence sets a socket option instead.
const noSignal = 0

// silence makes the kernel return EPIPE from a send instead of raising SIGPIPE. It fails only if
// the connection is closed already.
func silence(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1) }

func (*host) Socket(family, typ, proto int) (int, Errno) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, typ, proto)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = quieten(fd)
	}
	if err != nil {
		return -1, errno(err)
	}
	return fd, 0
}

// Unsent does not count an unacknowledged FIN.
func (*host) Unsent(fd int) (int, Errno) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NWRITE)
	return n, errno(err)
}
