package poller_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// hitter sends signals to the thread that has called it.
func hitter() func() {
	pid, tid := os.Getpid(), unix.Gettid()
	return func() { unix.Tgkill(pid, tid, unix.SIGUSR1) }
}
