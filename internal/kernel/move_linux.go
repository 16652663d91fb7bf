package kernel

import "golang.org/x/sys/unix"

// These move bytes between descriptors without showing them to the program. They may block on a
// file, so they enter the scheduler. Only the host's own descriptors can: ENOSYS for another
// Kernel. There is no MSG_DONTWAIT for a socket here, so ENOSYS is also the answer where another
// owner of the socket has cleared O_NONBLOCK: copy instead.

// SendFile moves n bytes of an open file at most, from where it stands, to a socket. 0 is the
// file's end.
func SendFile(k Kernel, socket, file, n int) (int, Errno) {
	if k != Host || !Nonblocking(socket) {
		return 0, ENOSYS
	}
	raceRelease()
	for {
		n, err := unix.Sendfile(socket, file, nil, n)
		if err == nil {
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

// Splice moves n bytes at most between a socket and a pipe, either way. 0 is the end, or TCP's
// urgent mark. EAGAIN: nothing there, or no room.
func Splice(k Kernel, from, to, n int) (int, Errno) {
	if k != Host || !Nonblocking(from) {
		return 0, ENOSYS
	}
	raceRelease()
	for {
		n, err := unix.Splice(from, nil, to, nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err == nil {
			raceAcquire()
			return int(n), 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

// PipeSize is what Pipe asks for.
const PipeSize = 1 << 20

// Pipe is a pipe's two ends.
func Pipe(k Kernel) (r, w int, e Errno) {
	if k != Host {
		return -1, -1, ENOSYS
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return -1, -1, errno(err)
	}
	_, _ = unix.FcntlInt(uintptr(p[0]), unix.F_SETPIPE_SZ, PipeSize) // who may have no large one gets on with 64 KiB
	return p[0], p[1], 0
}

// Nonblocking tells whether the open file has O_NONBLOCK. Other owners may clear it.
func Nonblocking(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err != nil || flags&unix.O_NONBLOCK != 0
}
