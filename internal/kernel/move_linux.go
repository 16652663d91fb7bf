package kernel

import "golang.org/x/sys/unix"

// These functions move bytes between descriptors inside the kernel. A file may make them wait, so
// they enter the kernel through the Go scheduler. They return ENOSYS if k is not the host's Kernel,
// or if another owner of the socket has cleared O_NONBLOCK, because they have no MSG_DONTWAIT.
// After ENOSYS the caller must copy the bytes itself.

// SendFile sends at most n bytes of an open file to a socket, starting at the offset, and advances
// the offset. If offset is nil, it uses the offset of the open file. A result of 0 means the end of
// the file.
func SendFile(k Kernel, socket, file int, offset *int64, n int) (int, Errno) {
	if k != Host || !Nonblocking(socket) {
		return 0, ENOSYS
	}
	raceRelease()
	for {
		n, err := unix.Sendfile(socket, file, offset, n)
		if err == nil {
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

// Splice moves at most n bytes from a socket to a pipe, or from a pipe to a socket. A result of 0
// means the end of input, or TCP's urgent mark. EAGAIN means that the source has no data, or that
// the destination has no room.
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

// PipeSize is the size that Pipe requests, in bytes.
const PipeSize = 1 << 20

// Pipe makes a pipe.
func Pipe(k Kernel) (r, w int, e Errno) {
	if k != Host {
		return -1, -1, ENOSYS
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return -1, -1, errno(err)
	}
	// If the system refuses, the size stays 64 KiB.
	_, _ = unix.FcntlInt(uintptr(p[0]), unix.F_SETPIPE_SZ, PipeSize)
	return p[0], p[1], 0
}

// Nonblocking reports whether the open file has O_NONBLOCK, which other owners may clear.
func Nonblocking(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err != nil || flags&unix.O_NONBLOCK != 0
}
