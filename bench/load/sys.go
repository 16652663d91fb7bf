package load

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are raw system calls, because they do not block. With Go's scheduler, the generator would
// be the bottleneck.

func send(fd int, p []byte) (int, error) {
	return raw(unix.SYS_SENDTO, fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// discard receives bytes without copying them: with MSG_TRUNC, TCP drops them. So the generator has
// more time to load the server. verify checks the content.
func discard(fd int, p []byte) (int, error) {
	return raw(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// receive receives answers that are parsed.
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

// wait polls many times before it sleeps. A client on another machine causes no wake-up on the
// server's machine. A client that sleeps on this machine causes two thirds of the server's whole
// cost for a single connection (measured: 26 µs against 9). Polling also halves the generator's own
// cost for a message.
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

// look returns the events that are ready, without sleeping.
func (l *loader) look() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(unsafe.SliceData(l.events))), uintptr(len(l.events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
