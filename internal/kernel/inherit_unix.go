//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Adopt makes a descriptor that another process has passed what those of Socket are from birth.
func Adopt(fd int) Errno {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return errno(err)
	}
	unix.CloseOnExec(fd)
	return errno(unix.SetNonblock(fd, true))
}

// Duplicate is another descriptor of the same socket, close-on-exec.
func Duplicate(fd int) (int, Errno) {
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return d, errno(err)
}
