package kernel

import "golang.org/x/sys/unix"

// Unsent is what the room left takes away from the send buffer: an estimate, but 0 only for an
// empty one. It does not count a FIN.
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
