package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var accept4 fallback

func (k *host) Accept(fd int) (int, Addr, Errno) {
	if !k.acceptable(fd) {
		return -1, Addr{}, EAGAIN
	}
	if accept4.refused() {
		return acceptOld(fd)
	}
	conn, from, e := accept(unix.SYS_ACCEPT4, fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	switch {
	case e == 0:
		accept4.works()
	case Refusal(e) && sysAccept != 0:
		if conn, from, e = acceptOld(fd); e == 0 {
			accept4.refuse()
		}
	}
	return conn, from, e
}

func accept(call uintptr, fd, flags int) (int, Addr, Errno) {
	var sa sockaddr
	n := uint32(unsafe.Sizeof(sa))
	for {
		r, _, e := syscall.Syscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&n)), uintptr(flags), 0, 0)
		if e == 0 {
			return int(r), sa.addr(n), 0
		}
		if e != unix.EINTR {
			return -1, Addr{}, e
		}
	}
}

// acceptOld accepts a connection on a system that refuses accept4. It sets the flags of the new
// descriptor after the accept. The lock prevents a fork before the descriptor is close-on-exec. No
// call waits while it holds the lock: see acceptable.
func acceptOld(fd int) (int, Addr, Errno) {
	syscall.ForkLock.RLock()
	conn, from, e := accept(sysAccept, fd, 0)
	if e == 0 {
		unix.CloseOnExec(conn)
	}
	syscall.ForkLock.RUnlock()
	if e == 0 {
		if e = errno(unix.SetNonblock(conn, true)); e != 0 {
			unix.Close(conn)
			return -1, Addr{}, e
		}
	}
	return conn, from, e
}

func fileFlags(fd int) (int, Errno) {
	flags, _, e := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_GETFL, 0)
	return int(flags), e
}
