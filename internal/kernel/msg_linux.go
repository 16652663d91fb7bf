package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refusesLocal reports whether the source address can be the reason for the error.
func refusesLocal(e Errno) bool {
	return e == unix.EINVAL || e == unix.EADDRNOTAVAIL || e == unix.ENODEV || e == unix.ENETUNREACH
}

func (*host) RecvMsg(fd int, p *Packet, flags int) Errno {
	var c control
	var sa sockaddr
	v := unix.Iovec{Base: unsafe.SliceData(p.Buf)}
	v.SetLen(len(p.Buf))
	h := unix.Msghdr{Iov: &v, Name: (*byte)(unsafe.Pointer(&sa))}
	h.SetIovlen(1)
	for {
		room, size := c.incoming(p)
		h.Namelen, h.Control = uint32(unsafe.Sizeof(sa)), room
		h.SetControllen(size)
		n, _, e := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), uintptr(flags|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC))
		if e == 0 {
			p.N = min(int(n), len(p.Buf))
			p.Addr = sa.addr(h.Namelen)
			c.received(p, int(h.Controllen), int(h.Flags))
			raceWrite(p.Buf[:p.N])
			raceAcquire()
			return 0
		}
		if e != unix.EINTR {
			return e
		}
	}
}

func (*host) SendMsg(fd int, p *Packet, flags int) Errno {
	var c control
	var sa sockaddr
	v := unix.Iovec{Base: unsafe.SliceData(p.Buf)}
	v.SetLen(p.N)
	h := unix.Msghdr{Iov: &v}
	h.SetIovlen(1)
	if p.Addr.Family != 0 {
		size, e := sa.set(p.Addr)
		if e != 0 {
			return e
		}
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&sa)), size
	}
	local := p.Local
	messages, size := c.outgoing(&local, p)
	h.Control = messages
	h.SetControllen(size)
	raceRead(p.Buf[:p.N])
	raceRead(p.Control[:p.ControlN])
	raceRelease()
	for {
		// A send to a Unix socket may wait for a lock that another process holds, so this is no raw call.
		n, _, e := syscall.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), uintptr(flags|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL))
		switch {
		case e == 0:
			p.N = int(n)
			return 0
		case local.Family != 0 && refusesLocal(e):
			local = Addr{}
			messages, size = c.outgoing(&local, p)
			h.Control = messages
			h.SetControllen(size)
		case e != unix.EINTR:
			return e
		}
	}
}
