//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// CloseAtOnce is Close for a loop, which cannot wait: close(2) of a TCP socket with SO_LINGER waits for the peer, O_NONBLOCK or
// not, and anybody may have set that. What was sent is delivered all the same. A linger time of 0, which resets, stays.
func CloseAtOnce(k Kernel, fd int) Errno {
	if k == Host {
		var l unix.Linger
		n, e := new(host).GetOptBytes(fd, SOL_SOCKET, SO_LINGER, (*[unsafe.Sizeof(l)]byte)(unsafe.Pointer(&l))[:])
		if e == 0 && n >= int(unsafe.Sizeof(l)) && l.Onoff != 0 && l.Linger != 0 {
			_ = unix.SetsockoptLinger(fd, SOL_SOCKET, SO_LINGER, &unix.Linger{}) // it has just been read
		}
	}
	return k.Close(fd)
}
