package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// SendTo sends one datagram and never blocks. A datagram of at most 4 KiB is copied. The copies
// leave together when the callback ends. A larger datagram leaves at once. If the kernel has no
// room, the datagrams are queued in order, up to the limit of WithLimits. Above the limit SendTo
// returns ErrBuffered. If nothing is queued, SendTo accepts one datagram of any size. If the
// datagram is too large for the protocol, it returns EMSGSIZE.
//
// If the kernel refuses a datagram that was copied, Lost reports the error. An example is an
// address of another family. If a Unix receiver has no room, the datagram is lost, and SendTo or
// Lost reports EAGAIN (ENOBUFS on a BSD).
//
// A PacketConn that is bound to the wildcard address remembers the latest 4,096 senders. An answer
// to one of them leaves from the address to which the sender has sent: see AskedAt.
func (c *PacketConn) SendTo(p []byte, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to, 0)
	}
	local := c.asked.Local(c.own(to))
	return c.send(p, &local, &to, 0)
}

// noAddr lets the kernel choose the source address.
var noAddr Addr

// SendFrom is SendTo from the address local of this machine. The port of local is ignored. If local
// is the zero Addr, or an address that the machine does not have, the kernel chooses. A PacketConn
// that is bound to one address always sends from that address.
func (c *PacketConn) SendFrom(p []byte, local, to Addr) error {
	if c.asked == nil {
		return c.send(p, &noAddr, &to, 0)
	}
	local = c.own(local)
	return c.send(p, &local, &to, 0)
}

// send has pointers as parameters, because Addrs are large. It does not store the pointers.
func (c *PacketConn) send(p []byte, local, to *Addr, ecn uint8) error {
	r := c.w.r
	switch {
	case c.closed || c.closing:
		return ErrClosed
	case len(p) > c.max:
		return notSent(len(p), *to, fmt.Errorf("must be at most %d: %w", c.max, kernel.EMSGSIZE))
	// An empty queue accepts any datagram.
	case len(p)+packetCost > c.opt.cap-c.Buffered() && !c.queue.empty():
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

// notSent has no pointers as parameters. With a pointer, the Addr of send would be allocated for
// each datagram.
func notSent(size int, to Addr, err error) error {
	return fmt.Errorf("reactor: datagram of %d bytes to %v: %w", size, to, err)
}

// own converts an address for the PacketConn's family. For an IPv6 socket, an IPv4 address is
// mapped. An address that cannot be converted becomes one that the kernel refuses.
func (c *PacketConn) own(a Addr) Addr {
	b, _ := netaddr.ForSocket(c.bound.Family, a)
	return b
}

// sendNow sends a datagram without copying it.
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

// flush sends queued datagrams until the kernel has no room. If the kernel refuses a datagram for
// another reason, that datagram is lost, and flush continues.
func (c *PacketConn) flush() {
	r := c.w.r
	b := r.packetBuffers.out
	segment := c.segmentMost
	for all := 0; !c.queue.empty() && !c.closed; {
		if all >= flushesPerTurn {
			c.block(true) // the Event of Out comes at once
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
		if e == 0 { // SendBatch has stopped at an error, which the next call returns
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

// refuseSegments is called if the kernel has refused datagrams that were to be sent together. They
// are then sent one by one. If their size or the device is the reason, later datagrams are too.
func (c *PacketConn) refuseSegments(size int, e kernel.Errno) {
	switch e {
	case kernel.EINVAL, kernel.EMSGSIZE: // they do not fit in the MTU of the path
		c.segmentMost = size - 1
	case kernel.EIO, kernel.EOPNOTSUPP, kernel.ENOPROTOOPT:
		c.segmentMost = 0
	}
}

// skip removes the first n datagrams of the queue.
func (c *PacketConn) skip(n int) {
	before := c.queue.size()
	c.queue.skip(n)
	c.w.r.outputs.bytes -= before - c.queue.size()
}

// waitsFor returns whether to wait for Out after a datagram was refused with e. If not, the
// datagram is lost. After ENOBUFS no Event comes, because the queue of the device was full. For a
// Unix socket no Event comes either, because Out does not report room in the receiver's queue.
func (c *PacketConn) waitsFor(e kernel.Errno) bool {
	return !c.unix && e == kernel.EAGAIN
}

// lost schedules a call of the handler's Lost, if the handler has that method. Like Closed, Lost
// runs at the end of the step. If it ran inside flush, a Lost that sends the datagram again could
// hold the loop.
func (c *PacketConn) lost(to Addr, err error) {
	if l, ok := c.handler.(LossHandler); ok && !c.closing {
		c.w.r.closedCalls.add(closedCall{&loss{c, l, to}, err})
	}
}

// loss is a datagram for which Lost will be called.
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

// block begins the wait for Out, or ends it.
func (c *PacketConn) block(on bool) {
	if c.closed || c.blocked == on {
		return
	}
	c.blocked = on
	c.watch()
}

// Buffered returns how many bytes wait for the kernel. Each datagram counts as its size plus 64
// bytes.
func (c *PacketConn) Buffered() int { return c.queue.size() }
