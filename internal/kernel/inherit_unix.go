//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Adopt gives a descriptor from another process the flags that Socket sets: non-blocking and
// close-on-exec. Other processes may share it, so check first what it is.
func Adopt(fd int) Errno {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return errno(err)
	}
	unix.CloseOnExec(fd)
	return errno(unix.SetNonblock(fd, true))
}

// IsPipe reports whether the descriptor is a pipe or a FIFO.
func IsPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// CloseOnExec keeps the descriptor from the program's children. It changes this descriptor only,
// not the open file that others may share.
func CloseOnExec(fd int) { unix.CloseOnExec(fd) }

// Duplicate returns another descriptor of the same socket, close-on-exec.
func Duplicate(fd int) (int, Errno) {
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return d, errno(err)
}
