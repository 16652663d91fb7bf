package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func (*host) Traits() Traits {
	return Traits{ConnectReports: true, InheritsOptions: true, Segments: true}
}

func (*host) ReadsFully() bool { return true }

// Calls that receive, send or query enter the kernel directly (RawSyscall), without informing the
// Go scheduler. That makes each call cheaper, and an echo consists of two such calls. A raw call
// must never wait. Receives and sends pass MSG_DONTWAIT, so they do not wait even if another owner
// has cleared O_NONBLOCK. Calls that may wait enter through the scheduler, so that they block one
// goroutine and not the garbage collector. These calls are accept, connect, and calls that resolve
// the path of a Unix socket. race.go informs the race detector.

func (*host) Socket(family, typ, proto int) (int, Errno) {
	fd, err := unix.Socket(family, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	return fd, errno(err)
}

// pollOther is poll(2) for systems that refuse poll.
func pollOther(p []unix.PollFd) error {
	_, err := unix.Ppoll(p, &unix.Timespec{}, nil)
	return err
}

func (*host) Recv(fd int, p []byte, flags int) (int, Errno) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
		if e == 0 {
			// With MSG_TRUNC, n is the datagram's length and not the copied part.
			raceWrite(p[:min(int(n), len(p))])
			raceAcquire()
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (*host) RecvFrom(fd int, p []byte, flags int) (int, Addr, Errno) {
	var sa sockaddr
	for {
		size := uint32(unsafe.Sizeof(sa))
		n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags|unix.MSG_DONTWAIT),
			uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
		if e == 0 {
			raceWrite(p[:min(int(n), len(p))])
			raceAcquire()
			return int(n), sa.addr(size), 0
		}
		if e != unix.EINTR {
			return 0, Addr{}, e
		}
	}
}

func (*host) Send(fd int, p []byte, flags int) (int, Errno) {
	raceRelease()
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags|unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT), 0, 0)
		if e == 0 {
			raceRead(p[:n])
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (k *host) SendTo(fd int, p []byte, flags int, to Addr) (int, Errno) {
	if to.Family == 0 {
		return k.Send(fd, p, flags)
	}
	var sa sockaddr
	size, e := sa.set(to)
	if e != 0 {
		return 0, e
	}
	raceRelease()
	for {
		var n uintptr
		flags := uintptr(flags | unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT)
		if to.Family == AF_UNIX {
			n, _, e = syscall.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags,
				uintptr(unsafe.Pointer(&sa)), uintptr(size))
		} else {
			n, _, e = syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags,
				uintptr(unsafe.Pointer(&sa)), uintptr(size))
		}
		if e == 0 {
			raceRead(p[:n])
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (*host) SendV(fd int, pieces [][]byte) (int, Errno) {
	var vec [MaxPieces]unix.Iovec
	h := unix.Msghdr{Iov: &vec[0]}
	h.SetIovlen(fill(&vec, pieces))
	raceRelease()
	for {
		n, _, e := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if e == 0 {
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

// fill points the vector at the pieces and reports to the race detector that they are read. The
// kernel may not read all of them, but nobody may write them during the call.
func fill(vec *[MaxPieces]unix.Iovec, pieces [][]byte) int {
	k := 0
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if k == MaxPieces {
			break
		}
		vec[k].Base = &p[0]
		vec[k].SetLen(len(p))
		raceRead(p)
		k++
	}
	return k
}

func (*host) Unsent(fd int) (int, Errno) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if e := errno(err); !Refusal(e) && e != unix.ENOTTY {
		return n, e
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, errno(err)
	}
	// The count is an estimate, but 0 exactly if nothing is left.
	return int(info.Notsent_bytes + info.Unacked*max(info.Snd_mss, 1)), 0
}

func (*host) Bind(fd int, a Addr) Errno {
	var sa sockaddr
	size, e := sa.set(a)
	if e != 0 {
		return e
	}
	_, _, e = syscall.Syscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	return e
}

func (*host) Connect(fd int, to Addr) Errno {
	var sa sockaddr
	size, e := sa.set(to)
	if e != 0 {
		return e
	}
	for {
		_, _, e = syscall.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
		if e != unix.EINTR {
			return e
		}
	}
}

func (*host) LocalAddr(fd int) (Addr, Errno) { return name(unix.SYS_GETSOCKNAME, fd) }
func (*host) PeerAddr(fd int) (Addr, Errno)  { return name(unix.SYS_GETPEERNAME, fd) }

func name(call uintptr, fd int) (Addr, Errno) {
	var sa sockaddr
	size := uint32(unsafe.Sizeof(sa))
	_, _, e := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	if e != 0 {
		return Addr{}, e
	}
	return sa.addr(size), 0
}

func (*host) GetOptBytes(fd, level, name int, p []byte) (int, Errno) {
	size := uint32(len(p))
	_, _, e := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 {
		return 0, e
	}
	return int(size), 0
}
