//go:build darwin || netbsd || openbsd

package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptOne accepts a connection on systems for which x/sys has no accept4. It sets the flags of
// the new descriptor after the accept. The lock prevents a fork before the descriptor is
// close-on-exec. No call waits while it holds the lock: see acceptable.
func acceptOne(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	conn, sa, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(conn)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = quieten(conn)
	}
	if err != nil {
		return -1, nil, err
	}
	return conn, sa, nil
}

// quieten makes a new descriptor non-blocking, and calls silence, so that a send causes no SIGPIPE.
// If quieten fails, it closes the descriptor.
func quieten(fd int) error {
	err := unix.SetNonblock(fd, true)
	if err != nil {
		unix.Close(fd)
		return err
	}
	silence(fd)
	return nil
}
