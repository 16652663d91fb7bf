package kernel

import "golang.org/x/sys/unix"

// Unsent returns the size of the send buffer minus its free room. That is only an estimate, but it
// is 0 only if the buffer is empty. It does not count a FIN.
func (*host) Unsent(fd int) (int, Errno) {
	size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0, errno(err)
	}
	room, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDSPACE)
	if err != nil {
		return 0, errno(err)
	}
	return max(size-room, 0), 0
}
