package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

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

// read delivers at most 16 datagrams. The others wait for the next turn. It receives the datagrams
// of a Unix socket one by one, because each may be large. failed means that the Event has reported
// an error.
func (c *PacketConn) read(failed bool) {
	d := c.w.r.packetBuffers
	if !c.unix {
		d.many.Locals = c.details()
		c.readBatch(d.many, failed)
		return
	}
	for n := 0; n < packetBatch && !c.closing && !c.closed && c.readBatch(d.large, failed); n++ {
		failed = false
	}
}

// readBatch receives and delivers one batch, and returns whether there was one.
func (c *PacketConn) readBatch(b *kernel.Batch, failed bool) bool {
	r := c.w.r
	n, e := c.receive(b)
	found := n
	switch {
	case e == kernel.EBADF, e == kernel.ENOTSOCK, e == kernel.EFAULT:
		c.tearDown(callError("recvmmsg", e))
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
		c.failures, c.suspended = 0, false // another owner of the socket has received the datagram
	}
	d := r.packetBuffers
	d.in, d.to, d.at, d.n, d.off = b, c, 0, n, 0
	for i := range b.Packets[:n] {
		in := datagrams(&b.Packets[i])
		r.often.packetsIn += uint64(in)
		r.budget.packets -= in
	}
	r.deliver()
	return n > 0
}

// deliver delivers the batch. A callback that panics or calls runtime.Goexit has got its datagram.
// A later call of deliver continues with the datagrams that follow.
func (r *Reactor) deliver() {
	d := r.packetBuffers
	for c := d.to; d.at < d.n && !c.closing && !c.closed; {
		p := &d.in.Packets[d.at]
		if p.Cut {
			d.at++
			r.often.bytesIn += uint64(p.N)
			r.rare().PacketsLost++
			c.lost(p.Addr, fmt.Errorf("%w: room for %d bytes", ErrTruncated, p.N))
			continue
		}
		b := d.next(p)
		r.often.bytesIn += uint64(len(b))
		if c.asked != nil {
			c.asked.Note(p.Addr, p.Local)
		}
		d.now = p
		r.guard(nil, func() { c.handler.Packet(c, b, p.Addr) })
	}
	d.n, d.now = 0, nil
}

// next returns the next datagram of p, which is the Packet d.at.
func (d *packetBuffers) next(p *kernel.Packet) []byte {
	start, end := d.off, p.N
	if p.Segment != 0 {
		end = min(start+int(p.Segment), p.N)
	}
	if d.off = end; end == p.N {
		d.at, d.off = d.at+1, 0
	}
	return p.Buf[start:end]
}

// datagrams returns how many datagrams a Packet has.
func datagrams(p *kernel.Packet) int {
	if p.Segment == 0 || p.N == 0 {
		return 1
	}
	return (p.N + int(p.Segment) - 1) / int(p.Segment)
}

// receive calls RecvBatch, and repeats it after an error. An error usually concerns a datagram that
// was sent earlier: an ICMP message causes an error, which one call returns and clears. Such an
// error must not close the socket. An error that repeats concerns the socket itself.
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

// suspend ends the registration of the socket for a while. Otherwise the Poller would report the
// socket in every turn. Datagrams wait in the kernel meanwhile, and are lost only if the kernel has
// no room.
func (c *PacketConn) suspend(e kernel.Errno) {
	r := c.w.r
	if !c.suspended {
		r.log.Warn("receive failed; retrying until it succeeds", zaplog.Stringer("addr", c.addr), zaplog.Error(e))
	}
	c.suspended, c.failures = true, 0
	if c.suspendTimer == nil {
		c.suspendTimer = r.After(pause, c.watch)
	} else {
		c.suspendTimer.Reset(pause)
	}
	c.watch()
}

// AskedAt returns the address of this machine to which the sender `from` has sent its latest
// datagram. In Packet, that is the datagram of this call. The port of the result is 0.
//
// The PacketConn remembers at least the latest 4,096 senders. For another sender, and after a
// multicast, the result is the zero Addr. If the PacketConn is bound to one address, the result is
// always that address.
func (c *PacketConn) AskedAt(from Addr) Addr {
	if c.asked != nil {
		return c.asked.Local(c.own(from))
	}
	a := c.bound
	a.Port = 0
	return a
}
