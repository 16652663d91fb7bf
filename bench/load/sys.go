package load

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are raw system calls: they do not block, and Go's scheduler would make the generator the
// bottleneck.

func send(fd int, p []byte) (int, error) {
	return raw(unix.SYS_SENDTO, fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// discard receives without copying: MSG_TRUNC makes TCP drop the bytes. So the generator has more
// time to load the server. verify checks the content.
func discard(fd int, p []byte) (int, error) {
	return raw(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// receive is for answers that are parsed.
func receive(fd int, p []byte) (int, error) {
	return raw(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT)
}

func raw(call uintptr, fd int, p []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

const looks = 2000 // about half a millisecond

// wait polls many times before it sleeps. A client on another machine costs the server no wake-up.
// A client that sleeps on this machine costs two thirds of all that the server does for a single
// connection (measured: 26 µs against 9). Polling also halves the generator's own cost for a
// message.
func (l *loader) wait() (int, error) {
	for range l.looks {
		if n := l.look(); n > 0 {
			return n, nil
		}
	}
	for {
		n, err := unix.EpollWait(l.ep, l.events, int(silence.Milliseconds()))
		if err != unix.EINTR {
			return n, err
		}
	}
}

// look returns the events that are there, without sleep.
func (l *loader) look() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(unsafe.SliceData(l.events))), uintptr(len(l.events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
