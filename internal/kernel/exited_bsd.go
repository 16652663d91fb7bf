//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Exited tells whether the process has ended; it leaves it to be waited for. false also means that
// the system does not say.
func Exited(pid int) bool {
	kq, err := unix.Kqueue()
	if err != nil {
		return false
	}
	defer unix.Close(kq)
	ask, told := make([]unix.Kevent_t, 1), make([]unix.Kevent_t, 1)
	unix.SetKevent(&ask[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	ask[0].Fflags = unix.NOTE_EXIT
	n, err := unix.Kevent(kq, ask, told, &unix.Timespec{})
	switch {
	case err == unix.ESRCH: // it is a zombie
		return true
	case err != nil || n == 0:
		return false
	}
	return told[0].Flags&unix.EV_ERROR == 0 || Errno(told[0].Data) == unix.ESRCH
}
