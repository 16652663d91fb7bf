package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// SendTo sends one datagram and never blocks. Datagrams of at most 4 KiB are copied and leave
// together when the callback ends; a larger one leaves at once. Datagrams that the kernel refuses
// for now are queued in order, up to the limit of WithLimits. Past the limit SendTo returns
// ErrBuffered. If nothing is queued, it accepts one datagram of any size. It returns EMSGSIZE if
// the datagram is too large for the protocol.
//
// If SendTo has copied a datagram and the kernel refuses it later, Lost reports the error. An
// example is an address of another family. A Unix receiver without space loses the datagram: SendTo
// or Lost reports EAGAIN (ENOBUFS on BSD). A PacketConn that is bound to the wildcard address
// remembers the latest 4,096 senders. An answer to one of them leaves from the address that the
// sender used: see AskedAt.
func (c *PacketConn) SendTo(p []byte, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to, 0)
	}
	local := c.asked.Local(c.own(to))
	return c.send(p, &local, &to, 0)
}

// noAddr makes the kernel choose the address to send from.
var noAddr Addr

// SendFrom is SendTo from the address local of this machine; the port of local is ignored. If local
// is the zero Addr, or the machine does not have it, the kernel chooses. A PacketConn that is bound
// to one address always sends from that address.
func (c *PacketConn) SendFrom(p []byte, local, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to, 0)
	}
	local = c.own(local)
	return c.send(p, &local, &to, 0)
}

// The parameters of send are pointers, because Addrs are large. send stores neither pointer.
func (c *PacketConn) send(p []byte, local, to *Addr, ecn uint8) error {
	r := c.w.r
	switch {
	case c.closed || c.closing:
		return ErrClosed
	case len(p) > c.max:
		return notSent(len(p), *to, fmt.Errorf("must be at most %d: %w", c.max, kernel.EMSGSIZE))
	case len(p)+packetCost > c.opt.cap-c.Buffered() && !c.queue.empty(): // an empty queue accepts any
		r.rare().SendsRefused++
		return fmt.Errorf("%w (%d + %d > %d)", ErrBuffered, c.Buffered(), len(p), c.opt.cap)
	}
	if len(p) > corkMax && c.queue.empty() {
		e := c.sendNow(p, *local, *to, ecn)
		if e == 0 {
			r.often.packetsOut++
			r.often.bytesOut += uint64(len(p))
			return nil
		}
		if !c.waitsFor(e) {
			return notSent(len(p), *to, callError("sendto", e))
		}
	}
	c.queue.add(p, to, local, ecn)
	r.outputs.bytes += len(p) + packetCost
	if !c.flushPending && !c.blocked {
		c.flushPending = true
		r.flushPending.add(c)
	}
	return nil
}

// notSent has a copy of the address as its parameter. With a pointer, send's Addr would escape, and
// each datagram would cost an allocation.
func notSent(size int, to Addr, err error) error {
	return fmt.Errorf("reactor: datagram of %d bytes to %v: %w", size, to, err)
}

// own returns the address in the form for the PacketConn's family: IPv4 is mapped for IPv6 sockets.
// The kernel refuses an address that cannot be mapped.
func (c *PacketConn) own(a Addr) Addr {
	b, _ := netaddr.ForSocket(c.bound.Family, a)
	return b
}

// sendNow sends a datagram that is not copied.
func (c *PacketConn) sendNow(p []byte, local, to Addr, ecn uint8) kernel.Errno {
	r := c.w.r
	to = c.own(to)
	if local.Family == 0 && ecn == 0 {
		_, e := r.k.SendTo(int(c.w.fd), p, 0, to)
		return e
	}
	out := &r.packetBuffers.out.Packets[0]
	*out = kernel.Packet{Buf: p, N: len(p), Addr: to, Local: local, ECN: ecn}
	defer func() { out.Buf = nil }()
	return r.k.SendMsg(int(c.w.fd), out, 0)
}

func (c *PacketConn) flushStep() {
	c.flushPending = false
	if !c.closed && !c.blocked {
		c.flush()
	}
}

// flush sends queued datagrams until the kernel refuses one for now. If the kernel refuses a
// datagram for another reason, that one is lost, and flush continues.
func (c *PacketConn) flush() {
	r := c.w.r
	b := r.packetBuffers.out
	segment := c.segmentMost
	for all := 0; !c.queue.empty() && !c.closed; {
		if all >= flushesPerTurn {
			c.block(true) // Out comes at once
			return
		}
		n := c.queue.fill(b.Packets, c.bound.Family, segment, c.max)
		sent, e := r.k.SendBatch(int(c.w.fd), b, n)
		out := 0
		for i := range b.Packets[:sent] {
			r.often.bytesOut += uint64(b.Packets[i].N)
			out += datagrams(&b.Packets[i])
		}
		r.often.packetsOut += uint64(out)
		c.skip(out)
		all += max(out, 1)
		if sent == n {
			continue
		}
		if e == 0 { // SendBatch stopped before the error; the next call returns the error
			continue
		}
		if c.waitsFor(e) {
			c.block(true)
			return
		}
		if size := int(b.Packets[0].Segment); size > 0 {
			c.refuseSegments(size, e)
			segment = 0
			continue
		}
		to := c.queue.front()
		c.skip(1)
		r.rare().PacketsLost++
		c.lost(to, callError("sendmmsg", e))
	}
	c.block(false)
	if c.closing && !c.closed {
		c.tearDown(nil)
	}
}

// refuseSegments handles an error of datagrams that were sent together. It sends them one by one.
// If the error concerns their size, or the device, it sends all later ones in that way too.
func (c *PacketConn) refuseSegments(size int, e kernel.Errno) {
	switch e {
	case kernel.EINVAL, kernel.EMSGSIZE: // they do not fit into the path's MTU
		c.segmentMost = size - 1
	case kernel.EIO, kernel.EOPNOTSUPP, kernel.ENOPROTOOPT:
		c.segmentMost = 0
	}
}

// skip removes the first datagrams of the queue.
func (c *PacketConn) skip(n int) {
	before := c.queue.size()
	c.queue.skip(n)
	c.w.r.outputs.bytes -= before - c.queue.size()
}

// waitsFor returns whether an Event of Out will come when a datagram that was refused with e can be
// sent. If no such Event will come, the datagram is lost. After ENOBUFS no Event comes, because the
// queue of the device was full. For a Unix socket no Event comes either: Out does not report room
// in the receiver's queue.
func (c *PacketConn) waitsFor(e kernel.Errno) bool {
	return !c.unix && e == kernel.EAGAIN
}

// lost queues a call of the handler's Lost, if it has one. Lost runs outside the flush, as Closed
// does. Otherwise a Lost that sends a refused datagram again would hold the loop.
func (c *PacketConn) lost(to Addr, err error) {
	if l, ok := c.handler.(LossHandler); ok && !c.closing {
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

// block starts or ends the wait for Out.
func (c *PacketConn) block(on bool) {
	if c.closed || c.blocked == on {
		return
	}
	c.blocked = on
	c.watch()
}

// Buffered returns how many bytes wait for the kernel. Each datagram counts its size and 64 bytes
// more.
func (c *PacketConn) Buffered() int { return c.queue.size() }
