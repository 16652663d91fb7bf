//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// There is no ReadsFully: a read stops before an urgent byte, and neither a second event nor EOF
// reports what comes after it. Traits are without InheritsOptions: which options an accepted socket
// has depends on the system.
func (*host) Traits() Traits { return Traits{AcceptReportsResets: true} }

// The calls below go through x/sys, which tells the scheduler and allocates for addresses and
// vectors.

const pathMax = len(unix.RawSockaddrUnix{}.Path)

func (*host) Bind(fd int, a Addr) Errno {
	sa, e := toSockaddr(a, pathMax)
	if e != 0 {
		return e
	}
	return errno(unix.Bind(fd, sa))
}

func (*host) Connect(fd int, to Addr) Errno {
	sa, e := toSockaddr(to, pathMax)
	if e != 0 {
		return e
	}
	if e := errno(unix.Connect(fd, sa)); e != EINTR {
		return e
	}
	return EINPROGRESS // it goes on by itself, and would answer a second call with EALREADY
}

func (*host) LocalAddr(fd int) (Addr, Errno) {
	sa, err := unix.Getsockname(fd)
	return fromSockaddr(sa), errno(err)
}

func (*host) PeerAddr(fd int) (Addr, Errno) {
	sa, err := unix.Getpeername(fd)
	return fromSockaddr(sa), errno(err)
}

func (k *host) Accept(fd int) (int, Addr, Errno) {
	if !k.acceptable(fd) {
		return -1, Addr{}, EAGAIN
	}
	for {
		conn, sa, err := acceptOne(fd)
		if err == nil {
			return conn, fromSockaddr(sa), 0
		}
		if err != unix.EINTR {
			return -1, Addr{}, errno(err)
		}
	}
}

// pollOther has no other call to try.
func pollOther([]unix.PollFd) error { return ENOSYS }

func fileFlags(fd int) (int, Errno) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return flags, errno(err)
}

func (*host) Recv(fd int, p []byte, flags int) (int, Errno) {
	for {
		n, _, _, _, err := unix.RecvmsgBuffers(fd, [][]byte{p}, nil, flags|unix.MSG_DONTWAIT) // a stream tells no address: none to allocate
		if err == nil {
			raceWrite(p[:min(n, len(p))])
			raceAcquire()
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

func (*host) RecvFrom(fd int, p []byte, flags int) (int, Addr, Errno) {
	for {
		n, sa, err := unix.Recvfrom(fd, p, flags|unix.MSG_DONTWAIT)
		if err == nil {
			raceWrite(p[:min(n, len(p))])
			raceAcquire()
			return n, fromSockaddr(sa), 0
		}
		if err != unix.EINTR {
			return 0, Addr{}, errno(err)
		}
	}
}

func (k *host) Send(fd int, p []byte, flags int) (int, Errno) { return k.SendTo(fd, p, flags, Addr{}) }

func (*host) SendTo(fd int, p []byte, flags int, to Addr) (int, Errno) {
	var sa unix.Sockaddr
	if to.Family != 0 {
		var e Errno
		if sa, e = toSockaddr(to, pathMax); e != 0 {
			return 0, e
		}
	}
	raceRelease()
	for {
		n, err := unix.SendmsgN(fd, p, nil, sa, flags|noSignal|unix.MSG_DONTWAIT) // x/sys' Sendto does not tell how much went
		if err == nil {
			raceRead(p[:n])
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

func (*host) SendV(fd int, pieces [][]byte) (int, Errno) {
	var room [MaxPieces][]byte
	full := room[:0]
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if len(full) == MaxPieces {
			break
		}
		full = append(full, p)
		raceRead(p)
	}
	raceRelease()
	for {
		n, err := unix.SendmsgBuffers(fd, full, nil, nil, noSignal|unix.MSG_DONTWAIT)
		if err == nil {
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errno(err)
		}
	}
}

// GetOptBytes has the room of x/sys' longest option, 32 bytes, and x/sys keeps the length of the
// answer to itself: what the option does not fill is zero.
func (*host) GetOptBytes(fd, level, name int, p []byte) (int, Errno) {
	v, err := unix.GetsockoptICMPv6Filter(fd, level, name)
	if err != nil {
		return 0, errno(err)
	}
	return copy(p, (*[unsafe.Sizeof(*v)]byte)(unsafe.Pointer(v))[:]), 0
}

// RecvBatch asks for one datagram at a time on these systems.
func (k *host) RecvBatch(fd int, b *Batch) (int, Errno) {
	for i := range b.Packets {
		p := &b.Packets[i]
		var e Errno
		if e = k.RecvMsg(fd, p, 0); e != 0 {
			if i > 0 {
				e = 0 // EAGAIN comes again; another error was of one datagram, and ends as lost as that
			}
			return i, e
		}
	}
	return len(b.Packets), 0
}

func (k *host) SendBatch(fd int, b *Batch, n int) (int, Errno) {
	for i := range n {
		p := &b.Packets[i]
		if e := k.SendMsg(fd, p, 0); e != 0 {
			if i > 0 {
				e = 0 // the caller meets it when this one is first, as with sendmmsg
			}
			return i, e
		}
	}
	return n, 0
}
