package kernel

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waiting returns twice the memory that received data uses, plus one after a FIN. For a TCP
// listener it counts connections, and for a Unix stream bytes. For other Unix sockets the result is
// -1 if nothing is known. waiting consumes nothing, not even a pending error.
func waiting(k Kernel, fd int) int {
	n := received(k, fd)
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	if _, err := unix.Poll(p, 0); n < 0 || err != nil {
		return -1
	}
	if p[0].Revents&unix.POLLRDHUP != 0 {
		return 2*n + 1
	}
	return 2 * n
}

func received(k Kernel, fd int) int {
	if taken := optWord(k, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, 0); taken != 0 {
		return taken // this may be -1
	}
	family, _ := k.GetOpt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind, _ := k.GetOpt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	listens, _ := k.GetOpt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case family != unix.AF_UNIX && listens != 0:
		return optWord(k, fd, unix.IPPROTO_TCP, unix.TCP_INFO, int(unsafe.Offsetof(unix.TCPInfo{}.Unacked)))
	case family != unix.AF_UNIX:
		return 0
	case listens != 0 || kind == unix.SOCK_DGRAM:
		return -1
	}
	bytes, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
	if err != nil {
		return -1
	}
	return bytes
}

// optWord returns the 32 bits at an offset of an option, or -1 if the kernel does not have them.
func optWord(k Kernel, fd, level, name, at int) int {
	var room [32]byte
	p := room[:at+4]
	if n, e := k.GetOptBytes(fd, level, name, p); e != 0 || n < len(p) {
		return -1
	}
	return int(binary.NativeEndian.Uint32(p[at:]))
}
