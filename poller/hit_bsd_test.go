//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// hitter sends signals to the process. Some of them reach the waiting thread.
func hitter() func() {
	pid := os.Getpid()
	return func() { unix.Kill(pid, unix.SIGUSR1) }
}
