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

// Calls that receive, send or query enter the kernel directly (RawSyscall). They do not inform the
// Go scheduler, which makes them cheaper: an echo consists of two such calls. A raw call must never
// wait. So receives and sends pass MSG_DONTWAIT, in case another owner has cleared O_NONBLOCK.
//
// Other calls may wait: accept, connect, and calls that resolve the path of a Unix socket. They
// inform the scheduler. If such a call waits, it blocks one goroutine and not the garbage
// collector. race.go informs the race detector of the raw calls.

func (*host) Socket(family, typ, proto int) (int, Errno) {
	fd, err := unix.Socket(family, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	return fd, errno(err)
}

// pollOther does the work of poll(2) with ppoll, for systems that refuse poll.
func pollOther(p []unix.PollFd) error {
	_, err := unix.Ppoll(p, &unix.Timespec{}, nil)
	return err
}

func (*host) Recv(fd int, p []byte, flags int) (int, Errno) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
		if e == 0 {
			// With MSG_TRUNC, n is the length of the datagram, which may be more than was copied.
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

// fill points the vector at the pieces. It reports to the race detector that all pieces are read.
// The kernel may read fewer, but nobody may write any of them during the call.
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
	// The number is an estimate, but it is 0 exactly if everything is acknowledged.
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
