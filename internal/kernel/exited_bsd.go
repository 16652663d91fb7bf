//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Exited reports whether the process has ended. It does not reap the process. If the system does
// not report the end, Exited returns false.
func Exited(pid int) bool {
	kq, err := unix.Kqueue()
	if err != nil {
		return false
	}
	defer unix.Close(kq)
	changes, events := make([]unix.Kevent_t, 1), make([]unix.Kevent_t, 1)
	unix.SetKevent(&changes[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	changes[0].Fflags = unix.NOTE_EXIT
	n, err := unix.Kevent(kq, changes, events, &unix.Timespec{})
	switch {
	case err == unix.ESRCH: // the process is a zombie
		return true
	case err != nil || n == 0:
		return false
	}
	return events[0].Flags&unix.EV_ERROR == 0 || Errno(events[0].Data) == unix.ESRCH
}
