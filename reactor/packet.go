package reactor

import (
	"fmt"
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

const (
	packetBatch = 16        // datagrams received or sent by one system call, and read per PacketConn a turn
	packetMax   = 64 * 1024 // room for the largest of IP
	unixMax     = netaddr.GramMax
	udpMax      = 65507 // the largest that UDP over IPv4 carries
	udp6Max     = 65527
)

// A PacketHandler is told what arrives at a PacketConn.
type PacketHandler interface {
	// Packet has received p, which is the loop's buffer and valid until Packet returns. An empty datagram is one too.
	Packet(c *PacketConn, p []byte, from Addr)
	// Closed comes last and once; err is nil if the PacketConn was closed in order.
	Closed(c *PacketConn, err error)
}

// A LossHandler is the optional part of a PacketHandler: a datagram that SendTo had accepted was refused by the kernel, or one
// that has come did not fit.
type LossHandler interface {
	Lost(c *PacketConn, peer Addr, err error)
}

// A PacketConn is a datagram socket on the loop: UDP or a Unix one.
type PacketConn struct {
	w            Watch
	h            PacketHandler
	opt          *sockOptions
	addr         net.Addr
	file         netaddr.File // of a Unix socket, removed in the end
	max          int
	bound        Addr           // where it is bound
	asked        *netaddr.Asked // if that is all addresses: at which one each sender asked
	unix         bool
	queue        packetQueue
	suspendTimer *Timer // after a failure
	failures     int    // Events in a row for which a receive has found nothing
	suspended    bool   // since its last pause no receive has worked
	dirty        bool
	blocked      bool
	closing      bool
	closed       bool
	detached     bool          // the descriptor is another loop's
	sharedAt     *sharedSocket // of a Group, if no other loop receives there
}

// packetRoom is shared by the PacketConns of a loop.
type packetBuffers struct {
	many  *kernel.Batch // for IP
	large *kernel.Batch // for Unix sockets, nil while there are none
	out   *kernel.Batch
	in    *kernel.Batch // the one that was received
	to    *PacketConn   // who has received it
	at, n int           // of its datagrams, those before at are delivered
}

// ListenPacket receives datagrams. network is udp, udp4, udp6 or unixgram; addr is as for Listen ("" for a Unix socket
// without a name). At a multicast address it is bound to all addresses, others may have the port too, and WithControl can
// join the group. What waits in the socket's error queue (IP_RECVERR, SO_TIMESTAMPING) is dropped, or it would take all the
// room there is for datagrams.
//
// A handler may have a method Lost(c *PacketConn, peer Addr, err error). It is called for datagrams
// that the kernel refused after SendTo had accepted them. It is also called for received ones that
// did not fit (ErrTruncated): those of Unix sockets that are longer than 4 MiB.
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
	c.h = h
	return c, c.attach(r, s.fd, poller.In)
}

// newPacketConn is for the socket bound to a.
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
	return c
}

// attach begins to receive on the loop. The descriptor is the PacketConn's from here on, also on error.
func (c *PacketConn) attach(r *Reactor, fd int, want poller.Interest) error {
	c.w.open(r, fd, c)
	if err := c.w.set(want); err != nil {
		c.closed = true
		c.hangUp()
		return err
	}
	r.packets++
	if r.packetBuffers == nil {
		r.packetBuffers = &packetBuffers{many: kernel.NewBatch(packetBatch, packetMax), out: kernel.NewBatch(packetBatch, 0)}
	}
	if c.unix && r.packetBuffers.large == nil { // its memory is touched by large datagrams only
		r.packetBuffers.large = kernel.NewBatch(1, unixMax)
	}
	return nil
}

func (c *PacketConn) ready(i poller.Readiness) {
	failed := i&(poller.Err|poller.Hup) != 0
	if failed {
		i |= poller.In | poller.Out
	}
	if i&poller.Out != 0 && c.blocked {
		c.flush()
	}
	if i&poller.In != 0 && c.w.want&poller.In != 0 && c.w.r.budget.packets > 0 {
		c.read(failed)
	}
}

// read hands over up to 16 datagrams; what is more waits for the next turn. Those of a Unix socket come one by one, for
// each may be large. failed: the Event has said that there is an error.
func (c *PacketConn) read(failed bool) {
	d := c.w.r.packetBuffers
	if !c.unix {
		d.many.Locals = c.asked != nil
		c.readBatch(d.many, failed)
		return
	}
	for n := 0; n < packetBatch && !c.closing && !c.closed && c.readBatch(d.large, failed); n++ {
		failed = false
	}
}

// readBatch hands over one batch, and tells whether there was one.
func (c *PacketConn) readBatch(b *kernel.Batch, failed bool) bool {
	r := c.w.r
	n, e := c.receive(b)
	found := n
	switch {
	case e == kernel.EBADF, e == kernel.ENOTSOCK, e == kernel.EFAULT:
		c.end(callError("recvmmsg", e))
		return false
	case e != 0 && e != kernel.EAGAIN:
		c.suspend(e)
		return false
	}
	if failed {
		found += kernel.DropErrors(r.k, int(c.w.fd), packetBatch)
	}
	if found > 0 {
		c.failures, c.suspended = 0, c.suspended && n == 0
	} else if c.failures++; c.failures >= vainMost || c.suspended {
		if failed || c.w.stillReady() {
			c.suspend(e)
			return false
		}
		c.failures, c.suspended = 0, false // another owner has received the datagram
	}
	r.count.PacketsIn += uint64(n)
	r.budget.packets -= n
	d := r.packetBuffers
	d.in, d.to, d.at, d.n = b, c, 0, n
	r.deliver()
	return n > 0
}

// deliver hands over what a batch has left. A panic, or runtime.Goexit, costs one datagram, not the batch.
func (r *Reactor) deliver() {
	d := r.packetBuffers
	for c := d.to; d.at < d.n && !c.closing && !c.closed; {
		p := &d.in.Packets[d.at]
		d.at++
		r.count.BytesIn += uint64(p.N)
		if p.Cut {
			r.count.PacketsLost++
			c.lost(p.Addr, fmt.Errorf("%w: room for %d bytes", ErrTruncated, p.N))
			continue
		}
		if c.asked != nil {
			c.asked.Note(p.Addr, p.Local)
		}
		r.guard(nil, func() { c.h.Packet(c, p.Buf[:p.N], p.Addr) })
	}
	d.n = 0
}

// receive is one RecvBatch. An error is usually news of a datagram that was sent, of which each call tells one and forgets
// it: what ICMP messages say ends no datagram socket. One that comes again and again is one of the call.
func (c *PacketConn) receive(b *kernel.Batch) (n int, e kernel.Errno) {
	for range vainMost {
		n, e = c.w.r.k.RecvBatch(int(c.w.fd), b)
		if e == 0 || e == kernel.EAGAIN || c.suspended {
			break
		}
		c.w.r.log.Debug("receive error on a datagram socket", zaplog.Error(e))
	}
	return n, e
}

// rest leaves the socket alone for a while: the Poller would tell of it all the time. Nothing is lost but what the kernel
// has no room for.
func (c *PacketConn) suspend(e kernel.Errno) {
	r := c.w.r
	if !c.suspended {
		r.log.Warn("receive failed; the datagram socket rests until it succeeds", zaplog.Stringer("addr", c.addr), zaplog.Error(e))
	}
	c.suspended, c.failures = true, 0
	if c.suspendTimer == nil {
		c.suspendTimer = r.After(pause, c.watch)
	} else {
		c.suspendTimer.Reset(pause)
	}
	c.watch()
}

// watch makes the registration what the state asks for. A socket that rests has none: Err cannot be masked.
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
		c.end(err)
	}
}

// SendTo sends one datagram and never blocks. Datagrams of at most 4 KiB are copied and leave together when the
// callback ends; a larger one leaves at once. What the kernel cannot take now is kept, in order, up to the cap of
// WithLimits: past it ErrBuffered, but one datagram alone is always kept. A datagram too large for the protocol is
// EMSGSIZE. What only the kernel finds wrong with a corked one, an address of another family for instance, is told to Lost.
// A Unix receiver that has no room loses the datagram: EAGAIN (ENOBUFS on BSD), here or told to Lost. On a PacketConn that
// is bound to all addresses an answer to one of the latest 4,096 senders leaves from the address that it asked: see AskedAt.
func (c *PacketConn) SendTo(p []byte, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to)
	}
	local := c.asked.Local(c.own(to))
	return c.send(p, &local, &to)
}

// noAddr leaves the choice to the kernel.
var noAddr Addr

// SendFrom is SendTo with the address of this machine that the datagram leaves from; its port does not count. The kernel
// chooses for the zero Addr, or if the machine has no such address. A PacketConn that is bound to one address sends from
// there.
func (c *PacketConn) SendFrom(p []byte, local, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to)
	}
	local = c.own(local)
	return c.send(p, &local, &to)
}

// send takes pointers because Addrs are large. It keeps neither.
func (c *PacketConn) send(p []byte, local, to *Addr) error {
	r := c.w.r
	switch {
	case c.closed || c.closing:
		return ErrClosed
	case len(p) > c.max:
		return notSent(len(p), *to, fmt.Errorf("must be at most %d: %w", c.max, kernel.EMSGSIZE))
	case len(p)+packetCost > c.opt.cap-c.Buffered() && !c.queue.empty(): // one alone is always taken
		return fmt.Errorf("%w (%d + %d > %d)", ErrBuffered, c.Buffered(), len(p), c.opt.cap)
	}
	if len(p) > corkMax && c.queue.empty() {
		e := c.sendNow(p, *local, *to)
		if e == 0 {
			r.count.PacketsOut++
			r.count.BytesOut += uint64(len(p))
			return nil
		}
		if !c.waitsFor(e) {
			return notSent(len(p), *to, callError("sendto", e))
		}
	}
	c.queue.add(p, to, local)
	if !c.dirty && !c.blocked {
		c.dirty = true
		r.flushPending.add(c)
	}
	return nil
}

// notSent takes a copy of the address: the one that send points at would be on the heap for each datagram.
func notSent(size int, to Addr, err error) error {
	return fmt.Errorf("reactor: datagram of %d bytes to %v: %w", size, to, err)
}

// own is an address as a socket of the PacketConn's family has it: IPv4 is mapped for IPv6 sockets. What cannot be is left
// for the kernel to refuse.
func (c *PacketConn) own(a Addr) Addr {
	b, _ := netaddr.ForSocket(c.bound.Family, a)
	return b
}

// sendNow sends a datagram that is not copied.
func (c *PacketConn) sendNow(p []byte, local, to Addr) kernel.Errno {
	r := c.w.r
	to = c.own(to)
	if local.Family == 0 {
		_, e := r.k.SendTo(int(c.w.fd), p, 0, to)
		return e
	}
	out := &r.packetBuffers.out.Packets[0]
	*out = kernel.Packet{Buf: p, N: len(p), Addr: to, Local: local}
	defer func() { out.Buf = nil }()
	return r.k.SendMsg(int(c.w.fd), out, 0)
}

// AskedAt is the address of this machine that the sender's latest datagram was sent to, in Packet that of the datagram; its
// port is 0. It is known of the latest 4,096 senders at least, and else the zero Addr, as for a multicast. A PacketConn that
// is bound to one address knows no other.
func (c *PacketConn) AskedAt(from Addr) Addr {
	if c.asked != nil {
		return c.asked.Local(c.own(from))
	}
	a := c.bound
	a.Port = 0
	return a
}

func (c *PacketConn) settle() {
	c.dirty = false
	if !c.closed && !c.blocked {
		c.flush()
	}
}

// flush sends what is queued until the kernel refuses. A datagram that it will never take is lost alone.
func (c *PacketConn) flush() {
	r := c.w.r
	b := r.packetBuffers.out
	for all := 0; !c.queue.empty() && !c.closed; {
		if all >= flushesPerTurn {
			c.block(true) // Out comes at once
			return
		}
		n := c.queue.fill(b.Packets, c.bound.Family)
		sent, e := r.k.SendBatch(int(c.w.fd), b, n)
		r.count.PacketsOut += uint64(sent)
		for i := range b.Packets[:sent] {
			r.count.BytesOut += uint64(b.Packets[i].N)
		}
		c.queue.skip(sent)
		all += max(sent, 1)
		if sent == n {
			continue
		}
		if e == 0 { // it stopped before the error, which the next call tells
			continue
		}
		if c.waitsFor(e) {
			c.block(true)
			return
		}
		to := c.queue.front()
		c.queue.skip(1)
		r.count.PacketsLost++
		c.lost(to, callError("sendmmsg", e))
	}
	c.block(false)
	if c.closing && !c.closed {
		c.end(nil)
	}
}

// waitsFor tells whether Out will come when what was refused with e can be sent. It will not after ENOBUFS, which is the
// device's, nor for a Unix socket: its datagram lands in the receiver's own queue, Out says nothing of that (it is
// reported all along, or not before the receiver reads, whoever waits behind), so one that has no room loses the datagram.
func (c *PacketConn) waitsFor(e kernel.Errno) bool {
	return !c.unix && e == kernel.EAGAIN
}

// lost has the handler told, if it wants to know: outside the flush, as a Closed is, or a Lost that sends again what is
// refused again would keep the loop here.
func (c *PacketConn) lost(to Addr, err error) {
	if l, ok := c.h.(LossHandler); ok && !c.closing {
		c.w.r.closedCalls.add(closedCall{&loss{c, l, to}, err})
	}
}

// loss is a datagram whose Lost is due.
type loss struct {
	c  *PacketConn
	h  LossHandler
	to Addr
}

func (l *loss) callClosed(err error) {
	if !l.c.closing && !l.c.closed {
		l.c.w.r.guard(nil, func() { l.h.Lost(l.c, l.to, err) })
	}
}

// block waits for Out, or no longer.
func (c *PacketConn) block(on bool) {
	if c.closed || c.blocked == on {
		return
	}
	c.blocked = on
	c.watch()
}

// Buffered is how many bytes wait for the kernel, the addresses' share included.
func (c *PacketConn) Buffered() int { return c.queue.size() }

// LocalAddr is the address that the PacketConn is bound to: *net.UDPAddr or *net.UnixAddr.
func (c *PacketConn) LocalAddr() net.Addr { return c.addr }

// Reactor is the loop that the PacketConn lives on.
func (c *PacketConn) Reactor() *Reactor { return c.w.r }

// FD is the descriptor, -1 once closed.
func (c *PacketConn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}

// Close sends what is queued, then closes. No Packet comes after it. Again is nothing.
func (c *PacketConn) Close() error {
	if c.closing || c.closed {
		return nil
	}
	c.closing = true
	if !c.dirty {
		c.dirty = true
		c.w.r.flushPending.add(c)
	}
	return nil
}

// Abort closes at once; what is queued is lost and Closed is told ErrAborted.
func (c *PacketConn) Abort() error {
	c.end(ErrAborted)
	return nil
}

func (c *PacketConn) end(err error) {
	if c.closed {
		return
	}
	r := c.w.r
	c.closed = true
	if n := c.queue.size(); n > 0 {
		r.count.PacketsLost += uint64(c.queue.len())
		if r.draining {
			r.undelivered.Conns++
			r.undelivered.Bytes += int64(n - c.queue.len()*packetCost)
		}
	}
	c.queue = packetQueue{}
	if c.suspendTimer != nil {
		c.suspendTimer.Stop()
	}
	c.hangUp()
	r.packets--
	r.closedCalls.add(closedCall{c, err})
}

func (c *PacketConn) hangUp() {
	r := c.w.r
	c.w.drop()
	if c.detached {
		return
	}
	r.unlink(c.file)
	if e := r.k.Close(int(c.w.fd)); e != 0 {
		r.closeFailed(int(c.w.fd), e)
	}
}

func (c *PacketConn) callClosed(err error) {
	c.w.r.guard(nil, func() { c.h.Closed(c, err) })
}
