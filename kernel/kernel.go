package kernel

import (
	"context"
	"net/netip"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Kernel has the system calls of an operating system that sockets need. Any goroutine may call
// its methods. An Errno of 0 is success; with another Errno, n is 0. No method returns EINTR
// (doc/semantics.md, D40) or raises SIGPIPE (D13).
//
// Descriptors are non-blocking and close-on-exec from the start, so no method waits but Lookup and
// LookupPort. If another owner clears O_NONBLOCK, Connect may wait. Bind and SendTo may wait while
// the system resolves a path.
//
// The interface may grow in any release: embed a Kernel in yours.
type Kernel interface {
	Now() timeout.Deadline
	NewPoller() (poller.Poller, error)

	Socket(family, typ, proto int) (fd int, e Errno)
	Bind(fd int, a Addr) Errno
	Listen(fd, backlog int) Errno
	Accept(fd int) (conn int, from Addr, e Errno)
	// Connect usually returns EINPROGRESS. Readiness for Out then reports that the attempt has
	// ended, and SO_ERROR reports its result.
	Connect(fd int, to Addr) Errno
	LocalAddr(fd int) (Addr, Errno)
	PeerAddr(fd int) (Addr, Errno)

	// Recv and Send need a connected socket. SendTo with the zero Addr sends to the connected peer.
	// A result of 0, 0 is the end of a stream, or an empty datagram.
	Recv(fd int, p []byte, flags int) (n int, e Errno)
	RecvFrom(fd int, p []byte, flags int) (n int, from Addr, e Errno)
	Send(fd int, p []byte, flags int) (n int, e Errno)
	SendTo(fd int, p []byte, flags int, to Addr) (n int, e Errno)
	// SendV sends at most MaxPieces pieces, joined, in one call.
	SendV(fd int, pieces [][]byte) (n int, e Errno)
	// RecvBatch fills b.Packets from the front and returns how many. It makes one call where the
	// system has recvmmsg.
	RecvBatch(fd int, b *Batch) (n int, e Errno)
	// RecvMsg receives one datagram, and SendMsg sends one, with all fields of the Packet.
	RecvMsg(fd int, p *Packet, flags int) Errno
	SendMsg(fd int, p *Packet, flags int) Errno
	// SendBatch sends b.Packets[:n] in order and returns how many it sent before an error. It makes
	// one call where the system has sendmmsg.
	SendBatch(fd int, b *Batch, n int) (sent int, e Errno)

	// Ready returns what a descriptor of any kind is ready for now: poll(2) without waiting. EBADF
	// means that it is not open.
	Ready(fd int) (poller.Readiness, Errno)

	Shutdown(fd, how int) Errno
	Close(fd int) Errno
	GetOpt(fd, level, name int) (int, Errno)
	SetOpt(fd, level, name, value int) Errno
	GetOptBytes(fd, level, name int, p []byte) (n int, e Errno)
	SetOptBytes(fd, level, name int, p []byte) Errno
	// Unsent returns how many bytes the peer's kernel has not acknowledged. A FIN counts as one
	// byte on systems that report it.
	Unsent(fd int) (int, Errno)
	Unlink(path string) Errno // removes the file of a Unix socket
	// FileID returns the identity of the file at a path. It does not follow a symbolic link.
	FileID(path string) (FileID, Errno)

	// Traits returns how the Kernel differs from others. A Kernel that wraps another one returns
	// the Traits of that one, unless it changes the behaviour.
	Traits() Traits

	// Go runs f, which may block, on a goroutine of its own. A simulated kernel runs it after a
	// random delay that the seed determines.
	Go(f func())
	// Lookup resolves a host name. It blocks, so call it inside Go. network is "ip", "ip4" or
	// "ip6".
	Lookup(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupPort resolves a service name for a network such as "tcp" or "udp6". It may read a file.
	LookupPort(ctx context.Context, network, service string) (int, error)
	// Interface returns the index of a network interface. It is called for an IPv6 zone that is a
	// name.
	Interface(name string) (index int, err error)
}

// Traits describe how a Kernel differs from others. The zero value promises nothing, so it is
// correct for every system.
type Traits struct {
	// ConnectReports means that a connect(2) after a failed attempt returns that attempt's error,
	// and that the socket can then be used again. Otherwise connect(2) starts another attempt.
	ConnectReports bool
	// InheritsOptions means that an accepted socket has all TCP options of its listener.
	InheritsOptions bool
	// AcceptReportsResets means that Accept returns an error for a connection that the peer has
	// reset in the queue.
	AcceptReportsResets bool
	// KeepsUnreachable means that the garbage collector must not close descriptors of this Kernel.
	// A simulated run must not depend on the time of a garbage collection, so there an abandoned
	// socket stays open.
	KeepsUnreachable bool
	// Segments means that one send can have several datagrams: see Packet.Segment.
	Segments bool
}

// A FileID identifies a file as long as it exists.
type FileID struct {
	Dev, Ino uint64
	Socket   bool
}

// MaxPieces is how many pieces SendV accepts in one call.
const MaxPieces = 64

// A Batch has room for the datagrams of one RecvBatch or SendBatch. It belongs to one goroutine.
type Batch struct {
	Packets []Packet
	Locals  bool // RecvBatch fills Local, ECN and Segment, as far as the socket reports them
	Own     any  // memory that belongs to the Kernel; nil at first
}

// A Packet is one datagram. A receive fills Buf[:N] and sets Addr to the sender. A send sends
// Buf[:N] to Addr.
type Packet struct {
	Buf  []byte
	N    int
	Addr Addr
	// Local is an address of this machine. A receive sets it to the address that the datagram was
	// sent to, if the socket reports that and can send from it. A send sends from it. The zero
	// Addr, or an address that the machine does not have, leaves the choice to the kernel.
	Local Addr
	// Control is control data: cmsg(3). A receive fills Control[:ControlN]. If Control has no room
	// for passed descriptors, the receive closes them. A send adds Control[:ControlN] to the
	// control data that it makes of the other fields. In a Batch, either all Packets have room for
	// control data or none has.
	Control  []byte
	ControlN int
	// Flags are those that recvmsg(2) returns, for example MSG_CTRUNC if Control had no room for
	// all.
	Flags int
	// Segment, if it is not 0, means that Buf[:N] has several datagrams of that size, of which the
	// last may be shorter. A send needs UDP_SEGMENT, and a receive reports it with UDP_GRO. Both
	// exist on Linux only.
	Segment uint16
	// ECN has the two bits of explicit congestion notification (RFC 3168). A receive reports them
	// if the socket has the option IP_RECVTOS or IPV6_RECVTCLASS. A send with 0 uses the socket's
	// own value. Linux only.
	ECN uint8
	Cut bool // the received datagram was longer than Buf, and the rest is lost
}
