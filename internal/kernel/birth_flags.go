//go:build freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// noSignal is the flag with which a send returns EPIPE and causes no SIGPIPE.
const noSignal = unix.MSG_NOSIGNAL

func (*host) Socket(family, typ, proto int) (int, Errno) {
	fd, err := unix.Socket(family, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, errno(err)
	}
	return fd, 0
}
