package kernel

import "golang.org/x/sys/unix"

// Exited tells whether the child has ended, or is nobody's child any more; it leaves the child to
// be waited for. false also means that the system does not say.
func Exited(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == unix.ECHILD || err == nil && info.Signo != 0
		}
	}
}
