package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostBatch is what recvmmsg and sendmmsg want beside the packets; made at the first use.
type hostBatch struct {
	heads []mmsghdr
	vecs  []unix.Iovec
	addrs []sockaddr
}

type mmsghdr struct {
	h unix.Msghdr
	n uint32
}

// prepare points the headers of the first n packets at their buffers and addresses.
func (b *Batch) prepare(n int) {
	if b.host.heads == nil {
		b.host = hostBatch{make([]mmsghdr, len(b.Packets)), make([]unix.Iovec, len(b.Packets)), make([]sockaddr, len(b.Packets))}
	}
	for i := range n {
		h, v := &b.host.heads[i].h, &b.host.vecs[i]
		v.Base = unsafe.SliceData(b.Packets[i].Buf)
		h.Iov = v
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.host.addrs[i]))
	}
}

func (*host) RecvBatch(fd int, b *Batch) (int, Errno) {
	b.prepare(len(b.Packets))
	for i := range b.Packets {
		b.host.vecs[i].SetLen(len(b.Packets[i].Buf))
		b.host.heads[i].h.Namelen = uint32(unsafe.Sizeof(sockaddr{}))
	}
	n, e := mmsg(unix.SYS_RECVMMSG, fd, b, len(b.Packets), 0)
	for i := range n {
		p, h := &b.Packets[i], &b.host.heads[i]
		p.N = int(h.n)
		p.Addr = b.host.addrs[i].addr(h.h.Namelen)
		raceWrite(p.Buf[:p.N])
	}
	if n > 0 {
		raceAcquire()
	}
	return n, e
}

func (*host) SendBatch(fd int, b *Batch, n int) (int, Errno) {
	b.prepare(n)
	for i := range n {
		p, h := &b.Packets[i], &b.host.heads[i].h
		b.host.vecs[i].SetLen(p.N)
		raceRead(p.Buf[:p.N])
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
		h.Namelen = size
	}
	raceRelease()
	return mmsg(unix.SYS_SENDMMSG, fd, b, n, unix.MSG_NOSIGNAL)
}

func mmsg(call uintptr, fd int, b *Batch, n, flags int) (int, Errno) {
	if n == 0 {
		return 0, 0
	}
	for {
		r, _, e := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&b.host.heads[0])), uintptr(n), uintptr(flags), 0, 0)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}
