//go:build darwin || netbsd || openbsd

package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptOne, where x/sys has no accept4, keeps the child of a fork from getting the descriptor. The
// lock is held for no longer than a system call: see acceptable.
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

// quieten makes a new descriptor non-blocking, and silent where that is an option; it closes what
// it cannot help.
func quieten(fd int) error {
	err := unix.SetNonblock(fd, true)
	if err != nil {
		unix.Close(fd)
		return err
	}
	silence(fd)
	return nil
}
