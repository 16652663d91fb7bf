package kernel

import "golang.org/x/sys/unix"

// Exited reports whether the child has ended or was reaped. It does not reap it. false may also
// mean that the system does not report it.
func Exited(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == unix.ECHILD || err == nil && info.Signo != 0
		}
	}
}
