//go:build darwin || netbsd || openbsd

package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptOne does the work of accept4 with accept, on systems for which x/sys has no accept4. The
// lock keeps the child of a fork from getting the descriptor. accept does not wait while the lock
// is held: see acceptable.
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

// quieten makes a new descriptor non-blocking and, where a socket option does that, without
// SIGPIPE. On an error it closes the descriptor.
func quieten(fd int) error {
	err := unix.SetNonblock(fd, true)
	if err != nil {
		unix.Close(fd)
		return err
	}
	silence(fd)
	return nil
}
