package kernel

import "golang.org/x/sys/unix"

// Exited reports whether the child has ended or was already reaped. It does not reap the child. If
// the system does not report the end, Exited returns false.
func Exited(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == unix.ECHILD || err == nil && info.Signo != 0
		}
	}
}
