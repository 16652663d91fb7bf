//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Traits does not contain InheritsOptions, because the options of an accepted socket depend on the
// system. A BSD has no method ReadsFully either, because a short read does not prove that the
// socket is empty. A read stops before an urgent byte, and then neither a second event nor EOF
// reports the data behind that byte.
func (*host) Traits() Traits { return Traits{AcceptReportsResets: true} }

// The calls below use x/sys, which enters the kernel through the Go scheduler. x/sys allocates
// memory for addresses and vectors.

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
	return EINPROGRESS // after EINTR the attempt continues; a second call would return EALREADY
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

// pollOther returns ENOSYS: no other call can replace poll.
func pollOther([]unix.PollFd) error { return ENOSYS }

func fileFlags(fd int) (int, Errno) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return flags, errno(err)
}

func (*host) Recv(fd int, p []byte, flags int) (int, Errno) {
	for {
		// Recvfrom would allocate an address. RecvmsgBuffers does not, because a stream reports none.
		n, _, _, _, err := unix.RecvmsgBuffers(fd, [][]byte{p}, nil, flags|unix.MSG_DONTWAIT)
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
		// Sendto of x/sys does not return how much it has sent.
		n, err := unix.SendmsgN(fd, p, nil, sa, flags|noSignal|unix.MSG_DONTWAIT)
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

// GetOptBytes returns at most 32 bytes, because that is the longest option that x/sys can read.
// x/sys does not return the length of an option. The bytes behind the option are zero.
func (*host) GetOptBytes(fd, level, name int, p []byte) (int, Errno) {
	v, err := unix.GetsockoptICMPv6Filter(fd, level, name)
	if err != nil {
		return 0, errno(err)
	}
	return copy(p, (*[unsafe.Sizeof(*v)]byte)(unsafe.Pointer(v))[:]), 0
}

// RecvBatch makes one call for each datagram, because these systems have no recvmmsg.
func (k *host) RecvBatch(fd int, b *Batch) (int, Errno) {
	for i := range b.Packets {
		p := &b.Packets[i]
		var e Errno
		if e = k.RecvMsg(fd, p, 0); e != 0 {
			if i > 0 {
				e = 0 // EAGAIN comes again with the next call; any other error means that one datagram is lost
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
				e = 0 // the next call returns the error, as with sendmmsg
			}
			return i, e
		}
	}
	return n, 0
}
