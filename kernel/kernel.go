package kernel

import (
	"context"
	"net/netip"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Kernel has the system calls that sockets need. Any goroutine may call its methods. The Errno 0
// is success; with any other Errno, n is 0. No method returns EINTR (doc/semantics.md, D40) or
// raises SIGPIPE (D13).
//
// Descriptors are non-blocking and close-on-exec from the start. So no method waits, except Lookup
// and LookupPort, which may. Connect may wait if another owner of the open file has cleared
// O_NONBLOCK. Bind and SendTo may wait while the system resolves a path.
//
// A release may add methods to this interface. A type that implements it must embed a Kernel, so
// that it has the new methods too.
type Kernel interface {
	Now() timeout.Deadline
	NewPoller() (poller.Poller, error)

	Socket(family, typ, proto int) (fd int, e Errno)
	Bind(fd int, a Addr) Errno
	Listen(fd, backlog int) Errno
	Accept(fd int) (conn int, from Addr, e Errno)
	// Connect usually returns EINPROGRESS. Readiness for Out later reports that the attempt has ended.
	// Then SO_ERROR has the result.
	Connect(fd int, to Addr) Errno
	LocalAddr(fd int) (Addr, Errno)
	PeerAddr(fd int) (Addr, Errno)

	// Recv and Send need a connected socket. SendTo with the zero Addr sends to the connected peer. If
	// Recv or RecvFrom returns 0, 0, the stream has ended, or the datagram is empty.
	Recv(fd int, p []byte, flags int) (n int, e Errno)
	RecvFrom(fd int, p []byte, flags int) (n int, from Addr, e Errno)
	Send(fd int, p []byte, flags int) (n int, e Errno)
	SendTo(fd int, p []byte, flags int, to Addr) (n int, e Errno)
	// SendV sends up to MaxPieces pieces, one behind the other, in one call.
	SendV(fd int, pieces [][]byte) (n int, e Errno)
	// RecvBatch receives datagrams into b.Packets, from the first one on, and returns how many. It
	// makes one system call if the system has recvmmsg.
	RecvBatch(fd int, b *Batch) (n int, e Errno)
	// RecvMsg receives one datagram into p. SendMsg sends one. Both use every field of the Packet.
	RecvMsg(fd int, p *Packet, flags int) Errno
	SendMsg(fd int, p *Packet, flags int) Errno
	// SendBatch sends b.Packets[:n] in order, until one fails, and returns how many it has sent. It
	// makes one system call if the system has sendmmsg.
	SendBatch(fd int, b *Batch, n int) (sent int, e Errno)

	// Ready returns what a descriptor is ready for now, like a poll(2) that does not wait. The
	// descriptor may be of any kind. EBADF means that fd is not open.
	Ready(fd int) (poller.Readiness, Errno)

	Shutdown(fd, how int) Errno
	Close(fd int) Errno
	GetOpt(fd, level, name int) (int, Errno)
	SetOpt(fd, level, name, value int) Errno
	GetOptBytes(fd, level, name int, p []byte) (n int, e Errno)
	SetOptBytes(fd, level, name int, p []byte) Errno
	// Unsent returns how many of the bytes that were sent the peer's kernel has not acknowledged. On
	// some systems an unacknowledged FIN counts as one byte.
	Unsent(fd int) (int, Errno)
	Unlink(path string) Errno // removes the file of a Unix socket
	// FileID returns the identity of the file at a path. It does not follow a symbolic link.
	FileID(path string) (FileID, Errno)

	// Traits returns how this Kernel differs from others. A Kernel that wraps another one returns the
	// Traits of the wrapped one, unless it changes the behaviour that they describe.
	Traits() Traits

	// Go runs f on a goroutine of its own. f may block. A simulated kernel runs f after a random delay
	// that depends on the seed.
	Go(f func())
	// Lookup resolves a host name. It blocks, so call it in a function that Go runs. network is "ip",
	// "ip4" or "ip6".
	Lookup(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupPort resolves a service name for a network such as "tcp" or "udp6". It may block, because
	// it may read a file.
	LookupPort(ctx context.Context, network, service string) (int, error)
	// Interface returns the index of the network interface with this name. It is called if the zone of
	// an IPv6 address is a name.
	Interface(name string) (index int, err error)
}

// Each field of Traits promises a property that not every Kernel has. The zero Traits promise
// nothing. So the zero Traits are correct for every system.
type Traits struct {
	// ConnectReports means that the first connect(2) after a failed attempt returns the error of that
	// attempt, and that the socket can then be used again. Without this trait, that connect(2) starts
	// another attempt.
	ConnectReports bool
	// InheritsOptions means that an accepted socket has all TCP options that its listener has.
	InheritsOptions bool
	// AcceptReportsResets means that Accept returns an error if the peer has reset the connection
	// while it waited in the listener's queue.
	AcceptReportsResets bool
	// KeepsUnreachable means that the garbage collector must not close descriptors of this Kernel. A
	// simulated run must not depend on the time of a garbage collection. So on a simulated kernel, a
	// socket that the program has abandoned stays open.
	KeepsUnreachable bool
	// Segments means that one Packet of a send can have several datagrams: see Packet.Segment.
	Segments bool
}

// A FileID identifies a file while the file exists. A later file may get the same FileID.
type FileID struct {
	Dev, Ino uint64
	Socket   bool
}

// MaxPieces is the largest number of pieces that SendV sends in one call.
const MaxPieces = 64

// A Batch has the Packets of one RecvBatch or SendBatch. One goroutine at a time may use it.
type Batch struct {
	Packets []Packet
	Locals  bool // RecvBatch sets Local, ECN and Segment, as far as the socket reports them
	Own     any  // memory that only the Kernel uses; nil at first
}

// A Packet is one datagram. A receive stores the datagram in Buf[:N] and its sender in Addr. A send
// sends Buf[:N] to Addr.
type Packet struct {
	Buf  []byte
	N    int
	Addr Addr
	// Local is an address of this machine. A receive stores the address that the datagram was sent to,
	// if the socket reports that address and can send from it. A send uses Local as the source. If
	// Local is the zero Addr, or an address that the machine does not have, the kernel chooses the
	// source.
	Local Addr
	// Control is control data: see cmsg(3). A receive stores the data in Control[:ControlN]. If passed
	// descriptors do not fit there, the receive closes them. A send adds Control[:ControlN] to the
	// control data that follows from the other fields. In a Batch, either all Packets have room for
	// control data, or none has.
	Control  []byte
	ControlN int
	// Flags are the flags that recvmsg(2) returns. For example, MSG_CTRUNC means that some control
	// data did not fit in Control.
	Flags int
	// If Segment is not 0, Buf[:N] has several datagrams of that size. The last one may be shorter. A
	// send of such a Packet needs UDP_SEGMENT. A receive returns such Packets if the socket has the
	// option UDP_GRO. Both exist on Linux only.
	Segment uint16
	// ECN has the two bits of explicit congestion notification (RFC 3168). A receive stores them if
	// the socket has the option IP_RECVTOS or IPV6_RECVTCLASS. If ECN is 0, a send uses the bits that
	// are set on the socket. ECN exists on Linux only.
	ECN uint8
	Cut bool // the received datagram was longer than Buf: the end of it is lost
}
