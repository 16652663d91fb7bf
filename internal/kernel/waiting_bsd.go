//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// waiting uses a kqueue of its own. The data of EVFILT_READ is the number of bytes or of
// connections that wait. FIONREAD would not count connections. On FreeBSD an empty datagram counts
// as 0.
func waiting(k Kernel, fd int) int {
	if _, ok := k.(*host); !ok {
		return -1 // fd is not a descriptor of the system
	}
	kq, err := unix.Kqueue()
	if err != nil {
		return -1
	}
	defer unix.Close(kq)
	changes, events := make([]unix.Kevent_t, 1), make([]unix.Kevent_t, 1)
	unix.SetKevent(&changes[0], fd, unix.EVFILT_READ, unix.EV_ADD)
	n, err := unix.Kevent(kq, changes, nil, nil)
	if err == nil {
		n, err = unix.Kevent(kq, nil, events, &unix.Timespec{})
	}
	switch {
	case err != nil || n == 1 && events[0].Flags&unix.EV_ERROR != 0:
		return -1
	case n == 0:
		return 0
	}
	if events[0].Flags&unix.EV_EOF != 0 {
		return 2*int(events[0].Data) + 1
	}
	return 2 * int(events[0].Data)
}
