package kernel

import (
	"errors"
	"time"

	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
)

// The types are those of the public package kernel, so that a program can have a Kernel of its own.
type (
	Kernel = kernel.Kernel
	Addr   = kernel.Addr
	Errno  = kernel.Errno
	Batch  = kernel.Batch
	Packet = kernel.Packet
	FileID = kernel.FileID
	Traits = kernel.Traits
)

// MaxPieces is the largest number of pieces that SendV sends in one call.
const MaxPieces = kernel.MaxPieces

// Number returns the Errno in an error of a Poller. If there is none, it returns ENOSYS. It never
// returns 0.
func Number(err error) Errno {
	var e Errno
	if !errors.As(err, &e) || e == 0 {
		return ENOSYS
	}
	return e
}

// A Dated is a simulated Kernel, which has a date of its own. For other Kernels the date is
// time.Now.
type Dated interface{ Time() time.Time }

// Time returns the present date and time of k.
func Time(k Kernel) time.Time {
	if d, ok := k.(Dated); ok {
		return d.Time()
	}
	return time.Now()
}

// Until returns how long it takes until the time t of k.
func Until(k Kernel, t time.Time) time.Duration {
	if d, ok := k.(Dated); ok {
		return t.Sub(d.Time())
	}
	return time.Until(t)
}

// AskLocal makes a UDP socket report Packet.Local. If the system cannot report it, the kernel
// chooses the source address of answers.
func AskLocal(k Kernel, fd, family int) {
	// An IPv6 socket needs this option too, because it may receive IPv4 datagrams.
	k.SetOpt(fd, IPPROTO_IP, IP_RECVLOCAL, 1)
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	}
}

// AskECN makes a UDP socket report Packet.ECN, if the system can report it.
func AskECN(k Kernel, fd, family int) {
	if IP_RECVTOS == 0 {
		return
	}
	k.SetOpt(fd, IPPROTO_IP, IP_RECVTOS, 1)
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
	}
}

// Host is the Kernel of the system on which this program runs. On a system that is not supported,
// every call returns ENOSYS, and NewPoller returns an error that names the supported systems.
var Host Kernel = &host{}

// Dup returns another descriptor of the same open file. It is close-on-exec. If k cannot make one,
// Dup returns ENOSYS.
func Dup(k Kernel, fd int) (int, Errno) {
	if d, ok := k.(interface{ Dup(fd int) (int, Errno) }); ok {
		return d.Dup(fd)
	}
	return -1, ENOSYS
}

// PollFD calls poll(2) to wait until fd is ready for a part of want, at most for the time d. With
// an fd of -1 it only sleeps. A signal ends it early. PollFD blocks its thread.
//
// PollFD needs no descriptor, unlike a timer of the Go runtime. The first timer of a program opens
// an epoll. If no descriptor is free then, the runtime ends the process. PollFD returns ENOSYS if k
// has no poll.
func PollFD(k Kernel, fd int, want poller.Interest, d time.Duration) Errno {
	if a, ok := k.(interface {
		PollFD(fd int, want poller.Interest, d time.Duration) Errno
	}); ok {
		return a.PollFD(fd, want, d)
	}
	return ENOSYS
}

// NewBatch makes a Batch of n Packets, with buffers of size bytes. If size is 0, the caller sets
// the buffers. RecvBatch does not replace buffers.
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
