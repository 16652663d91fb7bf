package kernel

import (
	"errors"
	"time"

	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
)

// The types of the seam are public, so that a program can have a Kernel of its own.
type (
	Kernel = kernel.Kernel
	Addr   = kernel.Addr
	Errno  = kernel.Errno
	Batch  = kernel.Batch
	Packet = kernel.Packet
	FileID = kernel.FileID
	Traits = kernel.Traits
)

// MaxPieces is the most that SendV takes in one call.
const MaxPieces = kernel.MaxPieces

// Number is the Errno in an error of a Poller's, which names the call; never 0: ENOSYS if there is
// none in it.
func Number(err error) Errno {
	var e Errno
	if !errors.As(err, &e) || e == 0 {
		return ENOSYS
	}
	return e
}

// A Dated is a Kernel with a calendar of its own: a simulated one. Without it the time is time.Now.
type Dated interface{ Time() time.Time }

// Time is the date and time on k.
func Time(k Kernel) time.Time {
	if d, ok := k.(Dated); ok {
		return d.Time()
	}
	return time.Now()
}

// Until is how long it is on k until t.
func Until(k Kernel, t time.Time) time.Duration {
	if d, ok := k.(Dated); ok {
		return t.Sub(d.Time())
	}
	return time.Until(t)
}

// AskLocal has a UDP socket tell Local. Where it cannot, answers leave from the address that the
// kernel chooses.
func AskLocal(k Kernel, fd, family int) {
	k.SetOpt(fd, IPPROTO_IP, IP_RECVLOCAL, 1) // of IPv6 sockets too: they hear IPv4
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	}
}

// Host is the operating system this program runs on. On one that is not supported every call fails
// with ENOSYS and NewPoller with an error that names those that are.
var Host Kernel = &host{}

// Dup is another number of the same open file, close-on-exec. ENOSYS on a kernel that has no such
// thing.
func Dup(k Kernel, fd int) (int, Errno) {
	if d, ok := k.(interface{ Dup(fd int) (int, Errno) }); ok {
		return d.Dup(fd)
	}
	return -1, ENOSYS
}

// Await waits up to d until fd is ready for something of want, with poll(2). With an fd of -1 it
// sleeps for d. A signal ends it early. It blocks its thread and needs no descriptor of its own.
// The runtime's timers do: the first of a program makes an epoll, and without a free descriptor
// that ends the process. ENOSYS on a kernel that has no such thing.
func Await(k Kernel, fd int, want poller.Interest, d time.Duration) Errno {
	if a, ok := k.(interface {
		Await(fd int, want poller.Interest, d time.Duration) Errno
	}); ok {
		return a.Await(fd, want, d)
	}
	return ENOSYS
}

// NewBatch makes room for n datagrams of at most size bytes; size 0 leaves the buffers to the
// caller. A Batch that receives keeps its buffers.
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
