package reactor

import (
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

const (
	packetBatch = 16        // datagrams per system call, and per PacketConn and turn
	packetMax   = 64 * 1024 // room for the largest of IP
	unixMax     = netaddr.GramMax
	udpMax      = 65507 // the largest that UDP over IPv4 carries
	udp6Max     = 65527
)

// A PacketHandler receives the datagrams of a PacketConn.
type PacketHandler interface {
	// Packet receives p, which is the loop's buffer and valid until Packet returns. An empty
	// datagram is delivered too.
	Packet(c *PacketConn, p []byte, from Addr)
	// Closed is the last call, and comes once. err is nil if the PacketConn was closed in order.
	Closed(c *PacketConn, err error)
}

// A LossHandler is the optional part of a PacketHandler. Lost reports a datagram that SendTo had
// accepted and the kernel then refused, or a received one that did not fit.
type LossHandler interface {
	Lost(c *PacketConn, peer Addr, err error)
}

// A PacketConn is a datagram socket on the loop: UDP or a Unix one.
type PacketConn struct {
	w            Watch
	handler      PacketHandler
	opt          *sockOptions
	addr         net.Addr
	file         netaddr.File // of a Unix socket; removed at the end
	max          int
	bound        Addr           // where it is bound
	asked        *netaddr.Asked // if bound to the wildcard address: which address each sender used
	unix         bool
	queue        packetQueue
	segmentMost  int    // datagrams of at most this size are sent together
	suspendTimer *Timer // after a failure
	failures     int    // Events in a row after which a receive found nothing
	suspended    bool   // no receive has succeeded since its last pause
	flushPending bool
	blocked      bool
	closing      bool
	closed       bool
	detached     bool          // the descriptor belongs to another loop
	sharedAt     *sharedSocket // set in a Group if one loop receives for all
}

// packetBuffers is shared by the PacketConns of a loop.
type packetBuffers struct {
	many  *kernel.Batch // for IP
	large *kernel.Batch // for Unix sockets, nil while there are none
	out   *kernel.Batch
	in    *kernel.Batch  // the Batch that was received last
	to    *PacketConn    // the PacketConn that has received it
	at, n int            // Packets[at:n] are not delivered yet
	off   int            // how many bytes of Packets[at] are delivered already
	now   *kernel.Packet // the Packet that is being delivered
}

// ListenPacket receives datagrams. network is udp, udp4, udp6 or unixgram. addr is as for Listen;
// "" makes a Unix socket without a name. If addr is a multicast address, the socket is bound to the
// wildcard address, and other sockets may be bound to the port too. WithControl can then join the
// group. The PacketConn drops the socket's error queue (IP_RECVERR, SO_TIMESTAMPING), which would
// otherwise fill the space for datagrams.
//
// A handler may have a method Lost(c *PacketConn, peer Addr, err error). It is called for datagrams
// that the kernel refused after SendTo had accepted them. It is also called for received datagrams
// that did not fit (ErrTruncated), which are datagrams of Unix sockets of more than 4 MiB.
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

// attach begins to receive on the loop. The PacketConn owns the descriptor from here on, also on
// error.
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
	if c.unix && r.packetBuffers.large == nil { // only large datagrams touch its memory
		r.packetBuffers.large = kernel.NewBatch(1, unixMax)
	}
	return nil
}

// watch changes the registration to what the state calls for. A suspended socket has no
// registration, because Err cannot be masked.
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

// LocalAddr returns the address that the PacketConn is bound to, a *net.UDPAddr or *net.UnixAddr.
func (c *PacketConn) LocalAddr() net.Addr { return c.addr }

// Reactor returns the loop that the PacketConn lives on.
func (c *PacketConn) Reactor() *Reactor { return c.w.r }

// FD returns the descriptor, or -1 once it is closed.
func (c *PacketConn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}

// Close sends the queued datagrams, then closes. No Packet follows. A second call does nothing.
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

// Abort closes at once: queued datagrams are lost. Closed gets ErrAborted.
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
