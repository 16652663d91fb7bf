package kernel

import (
	"errors"
	"math"
	"runtime"
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
)

// MaxPieces is the most that SendV takes in one call.
const MaxPieces = kernel.MaxPieces

// Number is the Errno in an error of a Poller's, which names the call; never 0: ENOSYS if there is none in it.
func Number(err error) Errno {
	var e Errno
	if !errors.As(err, &e) || e == 0 {
		return ENOSYS
	}
	return e
}

// TakesAll tells whether a read of TCP on k that comes up short has taken all there was, unless the Poller tells End. A
// simulated kernel says so with a method; of others nobody knows.
func TakesAll(k Kernel) bool {
	if k == Host {
		return ReadsFully
	}
	s, ok := k.(interface{ ReadsFully() bool })
	return ok && s.ReadsFully()
}

// ConnectTells tells whether a connect(2) after a failed attempt delivers its error and makes the socket new again, as on
// Linux. Elsewhere it begins another attempt. A simulated kernel says so with a method.
func ConnectTells(k Kernel) bool {
	if k == Host {
		return runtime.GOOS == "linux"
	}
	s, ok := k.(interface{ ConnectTells() bool })
	return ok && s.ConnectTells()
}

// InheritsOptions tells whether an accepted socket has all TCP options of its listener. A simulated kernel says so with a
// method; of others nobody knows.
func InheritsOptions(k Kernel) bool {
	if k == Host {
		return inheritsOptions
	}
	s, ok := k.(interface{ InheritsOptions() bool })
	return ok && s.InheritsOptions()
}

// AcceptTellsResets tells whether a connection whose peer has reset it in the queue is an error of Accept. A simulated
// kernel says so with a method.
func AcceptTellsResets(k Kernel) bool {
	if k == Host {
		return acceptTellsResets
	}
	s, ok := k.(interface{ AcceptTellsResets() bool })
	return ok && s.AcceptTellsResets()
}

// Waiting is how much waits to be received on the descriptor, or how many connections to be accepted. The unit is the
// kernel's, and the end of the input counts too: only differences mean anything. -1 where k cannot tell. A simulated kernel says so with a method.
func Waiting(k Kernel, fd int) int {
	if w, ok := k.(interface{ Waiting(fd int) int }); ok {
		return w.Waiting(fd)
	}
	return waiting(k, fd)
}

// MaxFiles is how many descriptors the program may have on k: RLIMIT_NOFILE. Very many where nobody knows.
func MaxFiles(k Kernel) int {
	if k == Host {
		return maxFiles()
	}
	if s, ok := k.(interface{ MaxFiles() int }); ok {
		return s.MaxFiles()
	}
	return math.MaxInt
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
	if k != Host {
		if d, ok := k.(Dated); ok {
			return t.Sub(d.Time())
		}
	}
	return time.Until(t)
}

// AskLocal has a UDP socket tell Local. Where it cannot, answers leave from the address that the kernel chooses.
func AskLocal(k Kernel, fd, family int) {
	k.SetOpt(fd, IPPROTO_IP, IP_RECVLOCAL, 1) // of IPv6 sockets too: they hear IPv4
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	}
}

// Host is the operating system this program runs on. On one that is not supported every call fails with ENOSYS and
// NewPoller with an error that names those that are.
var Host Kernel = &host{}

// Dup is another number of the same open file, close-on-exec. ENOSYS on a kernel that has no such thing.
func Dup(k Kernel, fd int) (int, Errno) {
	if d, ok := k.(interface{ Dup(fd int) (int, Errno) }); ok {
		return d.Dup(fd)
	}
	return -1, ENOSYS
}

// Await waits up to d until the descriptor is ready for something of want, or for nothing at all: poll(2). It blocks its
// thread. ENOSYS on a kernel that has no such thing.
func Await(k Kernel, fd int, want poller.Interest, d time.Duration) Errno {
	if a, ok := k.(interface {
		Await(fd int, want poller.Interest, d time.Duration) Errno
	}); ok {
		return a.Await(fd, want, d)
	}
	return ENOSYS
}

// NewBatch makes room for n datagrams of at most size bytes; size 0 leaves the buffers to the caller.
// A Batch that receives keeps its buffers.
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
