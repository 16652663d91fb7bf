//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Adopt makes a descriptor from another process non-blocking and close-on-exec, as Socket does.
// Other processes may share the open file, so find out what it is before you call Adopt.
func Adopt(fd int) Errno {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return errno(err)
	}
	unix.CloseOnExec(fd)
	return errno(unix.SetNonblock(fd, true))
}

// IsPipe reports whether the descriptor is a pipe or a named pipe (FIFO).
func IsPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// CloseOnExec makes the descriptor close-on-exec. This flag belongs to the descriptor. Other
// descriptors of the same open file keep their flags.
func CloseOnExec(fd int) { unix.CloseOnExec(fd) }

// Duplicate returns another descriptor of the same open file. It is close-on-exec.
func Duplicate(fd int) (int, Errno) {
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return d, errno(err)
}
