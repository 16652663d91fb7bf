//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// waiting asks a kqueue of its own: EVFILT_READ's data is the bytes that wait, or the connections.
// FIONREAD does not know listeners. An empty datagram counts nothing on FreeBSD.
func waiting(k Kernel, fd int) int {
	if _, ok := k.(*host); !ok {
		return -1 // the number is none of the system's
	}
	kq, err := unix.Kqueue()
	if err != nil {
		return -1
	}
	defer unix.Close(kq)
	ask, told := make([]unix.Kevent_t, 1), make([]unix.Kevent_t, 1)
	unix.SetKevent(&ask[0], fd, unix.EVFILT_READ, unix.EV_ADD)
	n, err := unix.Kevent(kq, ask, nil, nil)
	if err == nil {
		n, err = unix.Kevent(kq, nil, told, &unix.Timespec{})
	}
	switch {
	case err != nil || n == 1 && told[0].Flags&unix.EV_ERROR != 0:
		return -1
	case n == 0:
		return 0
	}
	if told[0].Flags&unix.EV_EOF != 0 {
		return 2*int(told[0].Data) + 1
	}
	return 2 * int(told[0].Data)
}
