package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostBatch is what recvmmsg and sendmmsg want beside the packets; made at the first use.
type hostBatch struct {
	heads    []mmsghdr
	vecs     []unix.Iovec
	addrs    []sockaddr
	controls []control // made when a socket tells Local
	stale    int       // the headers before it are not as RecvBatch wants them: they have been used
	locals   bool      // the others have room for Local
}

type mmsghdr struct {
	h unix.Msghdr
	n uint32
}

// prepare points the headers of the first n packets at their buffers and addresses. All of them are written for each call,
// whether or not a datagram comes: what never changes is written once, and control messages are only cleared once there are any.
func (b *Batch) prepare(n int) {
	if b.host.heads == nil {
		b.makeHeads()
	}
	for i := range n {
		b.host.vecs[i].Base = unsafe.SliceData(b.Packets[i].Buf)
	}
	if b.host.controls == nil {
		return
	}
	for i := range n {
		h := &b.host.heads[i].h
		h.Control = nil
		h.SetControllen(0)
	}
}

func (b *Batch) makeHeads() {
	size := len(b.Packets)
	b.host = hostBatch{make([]mmsghdr, size), make([]unix.Iovec, size), make([]sockaddr, size), nil, size, false}
	for i := range b.host.heads {
		h := &b.host.heads[i].h
		h.Iov = &b.host.vecs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.host.addrs[i]))
	}
}

// control is a packet's room for control messages; size is how much of it is used.
func (b *Batch) control(i, size int) {
	if b.host.controls == nil {
		b.host.controls = make([]control, len(b.Packets))
	}
	b.host.heads[i].h.Control = (*byte)(unsafe.Pointer(&b.host.controls[i]))
	b.host.heads[i].h.SetControllen(size)
}

func (*host) RecvBatch(fd int, b *Batch) (int, Errno) {
	if b.host.heads == nil || b.Locals != b.host.locals {
		b.host.stale, b.host.locals = len(b.Packets), b.Locals
	}
	b.prepare(b.host.stale)
	for i := range b.host.stale {
		b.host.vecs[i].SetLen(len(b.Packets[i].Buf))
		h := &b.host.heads[i].h
		if h.Namelen = uint32(unsafe.Sizeof(sockaddr{})); h.Name == nil { // SendBatch had the Batch before
			h.Name = (*byte)(unsafe.Pointer(&b.host.addrs[i]))
		}
		if b.Locals {
			b.control(i, int(unsafe.Sizeof(control{})))
		}
	}
	n, e := b.move(&recvmmsg, fd, len(b.Packets), unix.MSG_DONTWAIT, false)
	b.host.stale = min(n+1, len(b.Packets)) // the one that failed may have been touched too
	for i := range n {
		p, h := &b.Packets[i], &b.host.heads[i]
		p.N = int(h.n)
		p.Addr = b.host.addrs[i].addr(h.h.Namelen)
		p.Cut = h.h.Flags&unix.MSG_TRUNC != 0
		if b.Locals {
			p.Local = b.host.controls[i].local(int(h.h.Controllen))
		} else if p.Local.Family != 0 {
			p.Local = Addr{}
		}
		raceWrite(p.Buf[:p.N])
	}
	if n > 0 {
		raceAcquire()
	}
	return n, e
}

func (*host) SendBatch(fd int, b *Batch, n int) (int, Errno) {
	b.prepare(n)
	b.host.stale = len(b.Packets)
	paths := false
	for i := range n {
		p, h := &b.Packets[i], &b.host.heads[i].h
		b.host.vecs[i].SetLen(p.N)
		raceRead(p.Buf[:p.N])
		if p.Local.Family != 0 {
			b.control(i, 0)
			h.SetControllen(b.host.controls[i].set(p.Local))
		}
		if p.Addr.Family == 0 {
			h.Name, h.Namelen = nil, 0
			continue
		}
		size, e := b.host.addrs[i].set(p.Addr)
		if e != 0 {
			if i == 0 {
				return 0, e
			}
			n = i // what comes before it goes; the caller meets the error when this one is first
			break
		}
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.host.addrs[i])), size
		paths = paths || p.Addr.Family == AF_UNIX
	}
	raceRelease()
	sent, e := b.move(&sendmmsg, fd, n, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, paths)
	if e == 0 || b.Packets[0].Local.Family == 0 || !refusesLocal(e) {
		return sent, e
	}
	b.host.heads[0].h.Control = nil
	b.host.heads[0].h.SetControllen(0)
	return b.move(&sendmmsg, fd, 1, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, paths)
}

// A mover is the call for many messages, the one for a single message, and whether the first is refused.
type mover struct {
	many, one uintptr
	fallback
}

var (
	recvmmsg = mover{many: unix.SYS_RECVMMSG, one: unix.SYS_RECVMSG}
	sendmmsg = mover{many: unix.SYS_SENDMMSG, one: unix.SYS_SENDMSG}
)

// move makes the call for the first n headers; walks tells that it may walk paths and so has to enter the scheduler.
func (b *Batch) move(c *mover, fd, n, flags int, walks bool) (int, Errno) {
	if n == 0 {
		return 0, 0
	}
	if c.refused() {
		return b.moveOne(c, fd, n, flags, walks)
	}
	r, e := enter(c.many, fd, unsafe.Pointer(&b.host.heads[0]), n, flags, walks)
	switch {
	case e == 0:
		c.works()
	case Refusal(e):
		if r, e = b.moveOne(c, fd, n, flags, walks); e == 0 || e == EAGAIN {
			c.refuse()
		}
	}
	return r, e
}

// moveOne makes one call for each message. An error is told when it is the first message's, as the call for many does.
func (b *Batch) moveOne(c *mover, fd, n, flags int, walks bool) (int, Errno) {
	for i := range n {
		h := &b.host.heads[i]
		r, e := enter(c.one, fd, unsafe.Pointer(&h.h), flags, 0, walks)
		switch {
		case e != 0 && i == 0:
			return 0, e
		case e != 0:
			return i, 0
		}
		h.n = uint32(r)
	}
	return n, 0
}

func enter(call uintptr, fd int, head unsafe.Pointer, a, b int, walks bool) (int, Errno) {
	for {
		var r uintptr
		var e Errno
		if walks {
			r, _, e = syscall.Syscall6(call, uintptr(fd), uintptr(head), uintptr(a), uintptr(b), 0, 0)
		} else {
			r, _, e = syscall.RawSyscall6(call, uintptr(fd), uintptr(head), uintptr(a), uintptr(b), 0, 0)
		}
		switch e {
		case 0:
			return int(r), 0
		case unix.EINTR:
			continue
		}
		return 0, e
	}
}
