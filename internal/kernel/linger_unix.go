//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// CloseAtOnce removes a linger time, so that close does not wait. The kernel still delivers the
// data that was sent. A linger time of 0 stays, because with it close does not wait: it resets the
// connection.
func (k *host) CloseAtOnce(fd int) Errno {
	var l unix.Linger
	n, e := k.GetOptBytes(fd, SOL_SOCKET, SO_LINGER, (*[unsafe.Sizeof(l)]byte)(unsafe.Pointer(&l))[:])
	if e == 0 && n >= int(unsafe.Sizeof(l)) && l.Onoff != 0 && l.Linger != 0 {
		// getsockopt has just worked on the same descriptor, so setsockopt works too.
		_ = unix.SetsockoptLinger(fd, SOL_SOCKET, SO_LINGER, &unix.Linger{})
	}
	return k.Close(fd)
}
