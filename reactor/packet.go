package reactor

import (
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

const (
	packetBatch = 16        // datagrams for each system call, and for each PacketConn and turn
	packetMax   = 64 * 1024 // room for the largest IP datagram
	unixMax     = netaddr.GramMax
	udpMax      = 65507 // the largest datagram of UDP over IPv4
	udp6Max     = 65527
)

// A PacketHandler receives the datagrams of a PacketConn.
type PacketHandler interface {
	// Packet receives the datagram p, which may be empty. p is in the loop's buffer, and it is
	// valid until Packet returns.
	Packet(c *PacketConn, p []byte, from Addr)
	// Closed is the last call, and is made once. If the PacketConn was closed in order, err is nil.
	Closed(c *PacketConn, err error)
}

// A LossHandler is a PacketHandler that is notified of lost datagrams: those that SendTo has
// accepted and the kernel has then refused, and received ones that did not fit in the buffer.
type LossHandler interface {
	Lost(c *PacketConn, peer Addr, err error)
}

// A PacketConn is a datagram socket on the loop, for UDP or a Unix socket.
type PacketConn struct {
	w            Watch
	handler      PacketHandler
	opt          *sockOptions
	addr         net.Addr
	file         netaddr.File // the file of a Unix socket, which is removed at the end
	max          int
	bound        Addr           // the address that the socket is bound to
	asked        *netaddr.Asked // nil unless bound to the wildcard address
	unix         bool
	queue        packetQueue
	segmentMost  int    // datagrams up to this size are sent together
	suspendTimer *Timer // armed while the socket is suspended
	failures     int    // Events in a row after which a receive has found nothing
	suspended    bool   // no receive has succeeded since the last suspension
	flushPending bool
	blocked      bool
	closing      bool
	closed       bool
	detached     bool          // another loop has the descriptor
	sharedAt     *sharedSocket // set in a Group if one loop receives for all loops
}

// packetBuffers has the memory that the PacketConns of a loop share.
type packetBuffers struct {
	many  *kernel.Batch // for UDP
	large *kernel.Batch // for Unix sockets; nil if there are none
	out   *kernel.Batch
	in    *kernel.Batch  // the Batch that is being delivered
	to    *PacketConn    // the PacketConn for which it was received
	at, n int            // Packets[at:n] are not delivered yet
	off   int            // how many bytes of Packets[at] are delivered
	now   *kernel.Packet // the Packet that is delivered now
}

// ListenPacket receives datagrams. network is udp, udp4, udp6 or unixgram. addr has the same form
// as for Listen. With unixgram, "" makes a socket without a name. If addr is a multicast address,
// the socket is bound to the wildcard address, and other sockets may be bound to the same port. The
// function of WithControl can join the group.
//
// The PacketConn empties the socket's error queue (IP_RECVERR, SO_TIMESTAMPING), which would
// otherwise use up the memory for datagrams.
//
// A handler may have a method Lost(c *PacketConn, peer Addr, err error). It is called for datagrams
// that SendTo has accepted and the kernel has then refused. It is also called for received
// datagrams that did not fit (ErrTruncated): datagrams of Unix sockets that are longer than 4 MiB.
func (r *Reactor) ListenPacket(network, addr string, h PacketHandler, opts ...ListenOption) (*PacketConn, error) {
	if h == nil {
		panic("reactor: ListenPacket with a nil handler")
	}
	c, err := r.listenPacket(network, addr, h, opts)
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	return c, nil
}

func (r *Reactor) listenPacket(network, addr string, h PacketHandler, opts []ListenOption) (*PacketConn, error) {
	n, o, err := r.socketOptions("listen packet", network, false, eachOption(opts, ListenOption.forListen))
	if err != nil {
		return nil, err
	}
	b, err := binding(r.k, n, addr)
	if err != nil {
		return nil, err
	}
	s, err := r.one(n, b, o)
	if err != nil {
		return nil, err
	}
	c := newPacketConn(r.k, n, b, o, s)
	c.handler = h
	return c, c.attach(r, s.fd, poller.In)
}

// newPacketConn makes a PacketConn of a bound socket.
func newPacketConn(k Kernel, n netaddr.Network, b netaddr.Binding, o *sockOptions, s inheritedSocket) *PacketConn {
	c := &PacketConn{opt: o, max: o.cap, file: s.file}
	switch {
	case n.Unix():
		c.unix = true
	case b.Addr.Family == kernel.AF_INET6:
		c.max = udp6Max
	default:
		c.max = udpMax
	}
	if a, e := k.LocalAddr(s.fd); e == 0 {
		c.addr, c.bound = netaddr.NetAddr(k, a, true), a
	}
	if c.bound.IsUnspecified() {
		kernel.AskLocal(k, s.fd, c.bound.Family)
		c.asked = &netaddr.Asked{}
	}
	if !c.unix {
		o.request(k, s.fd, c.bound.Family)
		if k.Traits().Segments {
			c.segmentMost = c.max
		}
	}
	return c
}

// attach begins to receive on the loop. The PacketConn then owns the descriptor, even if attach
// returns an error.
func (c *PacketConn) attach(r *Reactor, fd int, want poller.Interest) error {
	c.w.open(r, fd, c)
	if err := c.w.set(want); err != nil {
		c.closed = true
		c.closeFD()
		return err
	}
	r.packets++
	if r.packetBuffers == nil {
		r.packetBuffers = &packetBuffers{many: kernel.NewBatch(packetBatch, packetMax), out: kernel.NewBatch(packetBatch, 0)}
	}
	if c.unix && r.packetBuffers.large == nil { // its memory is used only by large datagrams
		r.packetBuffers.large = kernel.NewBatch(1, unixMax)
	}
	return nil
}

// watch makes the registration fit the state. A suspended socket is not registered, because the
// Poller reports Err whatever the interest is.
func (c *PacketConn) watch() {
	if c.closed {
		return
	}
	want := poller.Interest(poller.In)
	if c.blocked {
		want |= poller.Out
	}
	if c.suspendTimer != nil && c.suspendTimer.t.Armed() {
		want = 0
	}
	if err := c.w.set(want); err != nil {
		c.tearDown(err)
	}
}

// LocalAddr returns the address of the PacketConn, which is a *net.UDPAddr or *net.UnixAddr.
func (c *PacketConn) LocalAddr() net.Addr { return c.addr }

// Reactor returns the loop to which the PacketConn belongs.
func (c *PacketConn) Reactor() *Reactor { return c.w.r }

// FD returns the descriptor, or -1 if the PacketConn is closed.
func (c *PacketConn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}

// Close sends the queued datagrams and then closes. Packet is not called any more. A second call
// does nothing.
func (c *PacketConn) Close() error {
	if c.closing || c.closed {
		return nil
	}
	c.closing = true
	if !c.flushPending {
		c.flushPending = true
		c.w.r.flushPending.add(c)
	}
	return nil
}

// Abort closes at once. Queued datagrams are lost. Closed gets ErrAborted.
func (c *PacketConn) Abort() error {
	c.tearDown(ErrAborted)
	return nil
}

func (c *PacketConn) tearDown(err error) {
	if c.closed {
		return
	}
	r := c.w.r
	c.closed = true
	if n := c.queue.size(); n > 0 {
		r.rare().PacketsLost += uint64(c.queue.len())
		if r.draining {
			r.undelivered.Conns++
			r.undelivered.Bytes += int64(n - c.queue.len()*packetCost)
		}
	}
	r.outputs.bytes -= c.queue.size()
	c.queue = packetQueue{}
	if c.suspendTimer != nil {
		c.suspendTimer.Stop()
	}
	c.closeFD()
	r.packets--
	r.closedCalls.add(closedCall{c, err})
}

func (c *PacketConn) closeFD() {
	r := c.w.r
	c.w.drop()
	if c.detached {
		return
	}
	if e := r.closeSocket(int(c.w.fd), c.file); e != 0 {
		r.closeFailed(int(c.w.fd), e)
	}
}

func (c *PacketConn) callClosed(err error) {
	c.w.r.guard(nil, func() { c.handler.Closed(c, err) })
}
