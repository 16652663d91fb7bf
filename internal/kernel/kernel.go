package kernel

import (
	"errors"
	"time"

	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
)

// The types are those of the public package kernel: a program can have a Kernel of its own.
type (
	Kernel = kernel.Kernel
	Addr   = kernel.Addr
	Errno  = kernel.Errno
	Batch  = kernel.Batch
	Packet = kernel.Packet
	FileID = kernel.FileID
	Traits = kernel.Traits
)

// MaxPieces is how many pieces SendV accepts in one call.
const MaxPieces = kernel.MaxPieces

// Number returns the Errno in a Poller's error, or ENOSYS if there is none. It never returns 0.
func Number(err error) Errno {
	var e Errno
	if !errors.As(err, &e) || e == 0 {
		return ENOSYS
	}
	return e
}

// A Dated is a Kernel with a date of its own: a simulated one. For other Kernels the date is
// time.Now.
type Dated interface{ Time() time.Time }

// Time returns the date and time on k.
func Time(k Kernel) time.Time {
	if d, ok := k.(Dated); ok {
		return d.Time()
	}
	return time.Now()
}

// Until returns the duration until t on k.
func Until(k Kernel, t time.Time) time.Duration {
	if d, ok := k.(Dated); ok {
		return t.Sub(d.Time())
	}
	return time.Until(t)
}

// AskLocal makes a UDP socket report Packet.Local. If the system cannot, the kernel chooses the
// address that answers leave from.
func AskLocal(k Kernel, fd, family int) {
	k.SetOpt(fd, IPPROTO_IP, IP_RECVLOCAL, 1) // for IPv6 sockets too: they receive IPv4
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	}
}

// AskECN makes a UDP socket report Packet.ECN, if the system can.
func AskECN(k Kernel, fd, family int) {
	if IP_RECVTOS == 0 {
		return
	}
	k.SetOpt(fd, IPPROTO_IP, IP_RECVTOS, 1)
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
	}
}

// Host is the operating system that this program runs on. If it is not supported, every call
// returns ENOSYS, and NewPoller an error that names the supported systems.
var Host Kernel = &host{}

// Dup returns another descriptor of the same open file, close-on-exec. It returns ENOSYS if k lacks
// that.
func Dup(k Kernel, fd int) (int, Errno) {
	if d, ok := k.(interface{ Dup(fd int) (int, Errno) }); ok {
		return d.Dup(fd)
	}
	return -1, ENOSYS
}

// PollFD waits up to d, with poll(2), until fd is ready for one of want. With an fd of -1 it sleeps
// for d. A signal ends it early. It blocks its thread and needs no descriptor. A timer of the
// runtime may need one: a program's first timer opens an epoll, and without a free descriptor the
// runtime ends the process. PollFD returns ENOSYS if k lacks poll.
func PollFD(k Kernel, fd int, want poller.Interest, d time.Duration) Errno {
	if a, ok := k.(interface {
		PollFD(fd int, want poller.Interest, d time.Duration) Errno
	}); ok {
		return a.PollFD(fd, want, d)
	}
	return ENOSYS
}

// NewBatch makes room for n datagrams of at most size bytes. With size 0 the caller sets the
// buffers. RecvBatch does not replace them.
func NewBatch(n, size int) *Batch {
	b := &Batch{Packets: make([]Packet, n)}
	if size > 0 {
		room := make([]byte, n*size)
		for i := range b.Packets {
			b.Packets[i].Buf = room[i*size : (i+1)*size : (i+1)*size]
		}
	}
	return b
}
