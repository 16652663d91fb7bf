//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Adopt makes a descriptor that another process has passed what those of Socket are from birth.
// Others may share it: see first what it is.
func Adopt(fd int) Errno {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return errno(err)
	}
	unix.CloseOnExec(fd)
	return errno(unix.SetNonblock(fd, true))
}

// IsPipe tells whether the descriptor is a pipe's, or a FIFO's.
func IsPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// CloseOnExec keeps the descriptor, which nobody shares, from the program's children.
func CloseOnExec(fd int) { unix.CloseOnExec(fd) }

// Duplicate is another descriptor of the same socket, close-on-exec.
func Duplicate(fd int) (int, Errno) {
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return d, errno(err)
}
