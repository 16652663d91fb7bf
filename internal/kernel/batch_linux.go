package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostBatch is the memory that recvmmsg and sendmmsg need for a Batch. The first call makes it.
type hostBatch struct {
	heads    []mmsghdr
	vecs     []unix.Iovec
	addrs    []sockaddr
	controls []control // made when a packet first needs control data
	stale    int       // the first stale headers were used by a call: RecvBatch must prepare them
	locals   bool      // the other headers have room for Local
	rooms    bool      // the Packets had room for control data; then all headers are stale
}

type mmsghdr struct {
	h unix.Msghdr
	n uint32
}

// own returns the hostBatch of a Batch.
func own(b *Batch) *hostBatch {
	h, ok := b.Own.(*hostBatch)
	if !ok {
		h = makeHeads(len(b.Packets))
		b.Own = h
	}
	return h
}

func makeHeads(size int) *hostBatch {
	o := &hostBatch{make([]mmsghdr, size), make([]unix.Iovec, size), make([]sockaddr, size), nil, size, false, false}
	for i := range o.heads {
		h := &o.heads[i].h
		h.Iov = &o.vecs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&o.addrs[i]))
	}
	return o
}

// prepare points the vectors of the packets at their buffers, and removes control data that an
// earlier call has set. It must be fast, because a call prepares many headers even if few datagrams
// come. So it does not write fields that never change, and clears control data only if there was
// some.
func (o *hostBatch) prepare(packets []Packet) {
	for i := range packets {
		o.vecs[i].Base = unsafe.SliceData(packets[i].Buf)
	}
	if o.controls == nil {
		return
	}
	for i := range packets {
		h := &o.heads[i].h
		h.Control = nil
		h.SetControllen(0)
	}
}

// control returns the memory for a packet's control messages.
func (o *hostBatch) control(i int) *control {
	if o.controls == nil {
		o.controls = make([]control, len(o.heads))
	}
	return &o.controls[i]
}

// setControl sets the control data of a header.
func (o *hostBatch) setControl(i int, data *byte, size int) {
	o.heads[i].h.Control = data
	o.heads[i].h.SetControllen(size)
}

func (*host) RecvBatch(fd int, b *Batch) (int, Errno) {
	o := own(b)
	rooms := len(b.Packets) > 0 && len(b.Packets[0].Control) > 0
	if b.Locals != o.locals || rooms || o.rooms {
		o.stale, o.locals, o.rooms = len(b.Packets), b.Locals, rooms
	}
	reports := b.Locals || rooms
	o.prepare(b.Packets[:o.stale])
	for i := range o.stale {
		o.vecs[i].SetLen(len(b.Packets[i].Buf))
		h := &o.heads[i].h
		if h.Namelen = uint32(unsafe.Sizeof(sockaddr{})); h.Name == nil { // SendBatch has cleared it
			h.Name = (*byte)(unsafe.Pointer(&o.addrs[i]))
		}
		if reports {
			room, size := o.control(i).incoming(&b.Packets[i])
			o.setControl(i, room, size)
		}
	}
	n, e := o.move(&recvmmsg, fd, len(b.Packets), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC, false)
	// The call may also have changed the header of the message that failed.
	o.stale = min(n+1, len(b.Packets))
	for i := range n {
		p, h := &b.Packets[i], &o.heads[i]
		p.N = int(h.n)
		p.Addr = o.addrs[i].addr(h.h.Namelen)
		if reports {
			o.controls[i].received(p, int(h.h.Controllen), int(h.h.Flags))
		} else {
			p.Flags, p.Cut = int(h.h.Flags)&^unix.MSG_CMSG_CLOEXEC, h.h.Flags&unix.MSG_TRUNC != 0
			p.Segment, p.ECN = 0, 0
			if p.Local.Family != 0 {
				p.Local = Addr{}
			}
		}
		raceWrite(p.Buf[:p.N])
	}
	if n > 0 {
		raceAcquire()
	}
	return n, e
}

func (*host) SendBatch(fd int, b *Batch, n int) (int, Errno) {
	o := own(b)
	o.prepare(b.Packets[:n])
	o.stale = len(b.Packets)
	paths := false
	for i := range n {
		p, h := &b.Packets[i], &o.heads[i].h
		o.vecs[i].SetLen(p.N)
		raceRead(p.Buf[:p.N])
		if p.Local.Family != 0 || p.ECN != 0 || p.Segment != 0 || p.ControlN != 0 {
			raceRead(p.Control[:p.ControlN])
			messages, size := o.control(i).outgoing(&p.Local, p)
			o.setControl(i, messages, size)
		}
		if p.Addr.Family == 0 {
			h.Name, h.Namelen = nil, 0
			continue
		}
		size, e := o.addrs[i].set(p.Addr)
		if e != 0 {
			if i == 0 {
				return 0, e
			}
			// The datagrams before it are sent. The caller gets the error when this one is the first.
			n = i
			break
		}
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&o.addrs[i])), size
		paths = paths || p.Addr.Family == AF_UNIX
	}
	raceRelease()
	sent, e := o.move(&sendmmsg, fd, n, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, paths)
	if e == 0 || b.Packets[0].Local.Family == 0 || !refusesLocal(e) {
		return sent, e
	}
	messages, size := o.controls[0].outgoing(&Addr{}, &b.Packets[0])
	o.setControl(0, messages, size)
	return o.move(&sendmmsg, fd, 1, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, paths)
}

// A mover has the numbers of two system calls: many handles several messages, and one handles one.
// It remembers whether the system refuses the call many.
type mover struct {
	many, one uintptr
	fallback
}

var (
	recvmmsg = mover{many: unix.SYS_RECVMMSG, one: unix.SYS_RECVMSG}
	sendmmsg = mover{many: unix.SYS_SENDMMSG, one: unix.SYS_SENDMSG}
)

// move makes the call for the first n headers. `walks` means that the system may have to resolve a
// path. Such a call may wait, so it enters the kernel through the Go scheduler.
func (o *hostBatch) move(c *mover, fd, n, flags int, walks bool) (int, Errno) {
	if n == 0 {
		return 0, 0
	}
	if c.refused() {
		return o.moveOne(c, fd, n, flags, walks)
	}
	r, e := enter(c.many, fd, unsafe.Pointer(&o.heads[0]), n, flags, walks)
	switch {
	case e == 0:
		c.works()
	case Refusal(e):
		if r, e = o.moveOne(c, fd, n, flags, walks); e == 0 || e == EAGAIN {
			c.refuse()
		}
	}
	return r, e
}

// moveOne makes one call for each message. Like the call many, it returns an error only if the
// first message fails.
func (o *hostBatch) moveOne(c *mover, fd, n, flags int, walks bool) (int, Errno) {
	for i := range n {
		h := &o.heads[i]
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
