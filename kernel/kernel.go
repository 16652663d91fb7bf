package kernel

import (
	"context"
	"net/netip"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Kernel is an operating system as far as sockets go. Its methods may be called by any goroutine.
// Descriptors are non-blocking and close-on-exec from birth, so no method but Lookup waits. If
// another owner clears O_NONBLOCK, only Connect may wait, and Bind and SendTo while they walk a
// path. EINTR never comes out of one (SEMANTICS D40), SIGPIPE never comes from one (D13). A result
// of 0 is success; n is 0 with an Errno.
//
// The interface may grow in any release: embed a Kernel in yours.
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

	// Recv and Send are for what is connected; the zero Addr of SendTo is the connected peer. 0, 0
	// is the end of a stream, or an empty datagram.
	Recv(fd int, p []byte, flags int) (n int, e Errno)
	RecvFrom(fd int, p []byte, flags int) (n int, from Addr, e Errno)
	Send(fd int, p []byte, flags int) (n int, e Errno)
	SendTo(fd int, p []byte, flags int, to Addr) (n int, e Errno)
	// SendV sends the pieces as one, in one call; at most MaxPieces of them.
	SendV(fd int, pieces [][]byte) (n int, e Errno)
	// RecvBatch fills b.Packets from the front and tells how many; SendBatch sends b.Packets[:n] in
	// order and tells how many went before the error. One call each where the system has recvmmsg
	// and sendmmsg.
	RecvBatch(fd int, b *Batch) (n int, e Errno)
	// RecvMsg receives one datagram, and SendMsg sends one, with what a Packet tells beside its
	// bytes.
	RecvMsg(fd int, p *Packet, flags int) Errno
	SendMsg(fd int, p *Packet, flags int) Errno
	SendBatch(fd int, b *Batch, n int) (sent int, e Errno)

	// Ready is what any descriptor is ready for at this moment: poll(2) without waiting. EBADF when
	// it is not open.
	Ready(fd int) (poller.Readiness, Errno)

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

	// Traits are what differs between operating systems. A Kernel that wraps another one has that
	// one's, unless it changes what they are about.
	Traits() Traits

	// Go runs f where it may block: on a goroutine of its own. A simulated kernel runs it after a
	// seeded delay.
	Go(f func())
	// Lookup resolves a host name; it blocks, so it is called inside Go. network is "ip", "ip4" or
	// "ip6".
	Lookup(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupPort resolves a service name for "tcp" or "udp"; it may read a file.
	LookupPort(ctx context.Context, network, service string) (int, error)
	// Interface is the number of a network interface, as IPv6 zones name it.
	Interface(name string) (index int, err error)
}

// Traits say in what a Kernel differs from others. The zero value is right on every system: it
// promises nothing.
type Traits struct {
	// ConnectReports: a connect(2) after a failed attempt returns its error and makes the socket
	// new again. Otherwise it starts another attempt.
	ConnectReports bool
	// InheritsOptions: an accepted socket has all TCP options of its listener.
	InheritsOptions bool
	// AcceptReportsResets: if the peer resets a connection that waits in the queue, Accept returns
	// an error for it.
	AcceptReportsResets bool
}

// A FileID is a file's identity for as long as the file is there.
type FileID struct {
	Dev, Ino uint64
	Socket   bool
}

// MaxPieces is the most that SendV takes in one call.
const MaxPieces = 64

// A Batch is room for the datagrams of one RecvBatch or SendBatch, with what the kernel needs
// beside it. A Batch belongs to one goroutine.
type Batch struct {
	Packets []Packet
	Locals  bool // RecvBatch: the socket tells Local, so there is room for it
	Own     any  // the Kernel's, nil at first
}

// A Packet is one datagram. Received: Buf is the room, N how much of it is filled, Addr who sent
// it. To send: Buf[:N] goes to Addr.
type Packet struct {
	Buf  []byte
	N    int
	Addr Addr
	// Local is the address of this machine: received, the one that was asked, if the socket tells
	// and one can answer from it; to send, the one to leave from. The zero Addr leaves the choice
	// to the kernel, and so does one that the machine does not have (any more).
	Local Addr
	Cut   bool // received: it was longer than Buf, and the rest of it is lost
}
