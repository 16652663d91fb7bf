package kernel

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Kernel is an operating system as far as sockets go. Its methods may be called by any goroutine. Descriptors are
// non-blocking and close-on-exec from birth, so no method but Lookup waits. If another owner clears O_NONBLOCK, only Connect
// may wait, and Bind and SendTo while they walk a path. EINTR never comes out of one (SEMANTICS
// D40), SIGPIPE never comes from one (D13). A result of 0 is success; n is 0 with an Errno.
type Kernel interface {
	Now() timeout.Deadline
	NewPoller() (poller.Poller, error)

	Socket(family, typ, proto int) (fd int, e Errno)
	Bind(fd int, a Addr) Errno
	Listen(fd, backlog int) Errno
	Accept(fd int) (conn int, from Addr, e Errno)
	Connect(fd int, to Addr) Errno // EINPROGRESS: Out tells when it has ended, SO_ERROR how
	LocalAddr(fd int) (Addr, Errno)
	PeerAddr(fd int) (Addr, Errno)

	// Recv and Send are for what is connected; the zero Addr of SendTo is the connected peer. 0, 0 is the end of a
	// stream, or an empty datagram.
	Recv(fd int, p []byte, flags int) (n int, e Errno)
	RecvFrom(fd int, p []byte, flags int) (n int, from Addr, e Errno)
	Send(fd int, p []byte, flags int) (n int, e Errno)
	SendTo(fd int, p []byte, flags int, to Addr) (n int, e Errno)
	// SendV sends the pieces as one, in one call; at most MaxPieces of them.
	SendV(fd int, pieces [][]byte) (n int, e Errno)
	// RecvBatch fills b.Packets from the front and tells how many; SendBatch sends b.Packets[:n] in order and tells
	// how many went before the error. One call each where the system has recvmmsg and sendmmsg.
	RecvBatch(fd int, b *Batch) (n int, e Errno)
	// RecvMsg receives one datagram, and SendMsg sends one, with what a Packet tells beside its bytes.
	RecvMsg(fd int, p *Packet, flags int) Errno
	SendMsg(fd int, p *Packet, flags int) Errno
	SendBatch(fd int, b *Batch, n int) (sent int, e Errno)

	// Ready is what any descriptor is ready for at this moment: poll(2) without waiting. EBADF when it is not open.
	Ready(fd int) (poller.Interest, Errno)

	Shutdown(fd, how int) Errno
	Close(fd int) Errno
	GetOpt(fd, level, name int) (int, Errno)
	SetOpt(fd, level, name, value int) Errno
	GetOptBytes(fd, level, name int, p []byte) (n int, e Errno)
	SetOptBytes(fd, level, name int, p []byte) Errno
	Unsent(fd int) (int, Errno) // bytes (a FIN counts) that the peer's kernel has not acknowledged
	Unlink(path string) Errno   // the file of a Unix socket
	// FileID is the identity of the file at a path, not of what a link leads to.
	FileID(path string) (FileID, Errno)

	// Traits are what differs between operating systems. A Kernel that wraps another one has that one's, unless it changes
	// what they are about.
	Traits() Traits

	// Go runs f where it may block: on a goroutine of its own. A simulated kernel runs it after a seeded delay.
	Go(f func())
	// Lookup resolves a host name; it blocks, so it is called inside Go. network is "ip", "ip4" or "ip6".
	Lookup(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupPort resolves a service name for "tcp" or "udp"; it may read a file.
	LookupPort(ctx context.Context, network, service string) (int, error)
	// Interface is the number of a network interface, as IPv6 zones name it.
	Interface(name string) (index int, err error)
}

// Number is the Errno in an error of a Poller's, which names the call; never 0: ENOSYS if there is none in it.
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

// A FileID is a file's identity for as long as the file is there.
type FileID struct {
	Dev, Ino uint64
	Socket   bool
}

// MaxPieces is the most that SendV takes in one call.
const MaxPieces = 64

// A Batch is room for the datagrams of one RecvBatch or SendBatch, with what the kernel needs beside it. A Batch
// belongs to one goroutine.
type Batch struct {
	Packets []Packet
	Locals  bool // RecvBatch: the socket tells Local, so there is room for it
	host    hostBatch
}

// A Packet is one datagram. Received: Buf is the room, N how much of it is filled, Addr who sent it. To send: Buf[:N]
// goes to Addr.
type Packet struct {
	Buf  []byte
	N    int
	Addr Addr
	// Local is the address of this machine: received, the one that was asked, if the socket tells (AskLocal) and one can
	// answer from it; to send, the one to leave from. The zero Addr leaves the choice to the kernel, and so does one that
	// the machine does not have (any more).
	Local Addr
	Cut   bool // received: it was longer than Buf, and the rest of it is lost
}

// AskLocal has a UDP socket tell Local. Where it cannot, answers leave from the address that the kernel chooses.
func AskLocal(k Kernel, fd, family int) {
	k.SetOpt(fd, IPPROTO_IP, IP_RECVLOCAL, 1) // of IPv6 sockets too: they hear IPv4
	if family == AF_INET6 {
		k.SetOpt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	}
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

// Await waits up to d until fd is ready for something of want, with poll(2). With an fd of -1 it sleeps for d. A signal ends
// it early. It blocks its thread and needs no descriptor of its own. The runtime's timers do: the first of a program makes an
// epoll, and without a free descriptor that ends the process. ENOSYS on a kernel that has no such thing.
func Await(k Kernel, fd int, want poller.Interest, d time.Duration) Errno {
	if a, ok := k.(interface {
		Await(fd int, want poller.Interest, d time.Duration) Errno
	}); ok {
		return a.Await(fd, want, d)
	}
	return ENOSYS
}
