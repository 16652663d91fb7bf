package kernel

import "golang.org/x/sys/unix"

const fionwrite = 0x40046677 // _IOR('f', 119, int), sys/filio.h

// Unsent does not count an unacknowledged FIN.
func (*host) Unsent(fd int) (int, Errno) {
	n, err := unix.IoctlGetInt(fd, fionwrite)
	return n, errno(err)
}
