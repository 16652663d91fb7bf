//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// CloseAtOnce takes a linger time away before it closes. What was sent is delivered all the same. A
// linger time of 0, which resets, stays.
func (k *host) CloseAtOnce(fd int) Errno {
	var l unix.Linger
	n, e := k.GetOptBytes(fd, SOL_SOCKET, SO_LINGER, (*[unsafe.Sizeof(l)]byte)(unsafe.Pointer(&l))[:])
	if e == 0 && n >= int(unsafe.Sizeof(l)) && l.Onoff != 0 && l.Linger != 0 {
		_ = unix.SetsockoptLinger(fd, SOL_SOCKET, SO_LINGER, &unix.Linger{}) // it has just been read
	}
	return k.Close(fd)
}
