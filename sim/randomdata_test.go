package sim_test

import (
	"bytes"

	"github.com/ureactor/ureactor/internal/kernel"
)

// edges are sizes of datagrams at which a kernel's behaviour changes.
var edges = []int{1, 191, 192, 193, 2048, 2049, 2560, 2561, 9216, 9217, 65507, 65508, 65527, 65528}

// letters is the data to send.
var letters = bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), 1+100_000/26)

func (c *scripter) bytes(most int) []byte {
	n := 1 + c.r.Int(most)
	if c.yes(10) {
		n = edges[c.r.Int(len(edges))]
	}
	p := append([]byte(nil), letters[n%26:][:n]...)
	if c.yes(8) {
		p[0] = 0xff
	}
	if c.yes(20) {
		p = p[:0]
	}
	return p
}

func (c *scripter) flags() int {
	return c.pick(0, 0, 0, 0, kernel.MSG_PEEK, kernel.MSG_TRUNC, kernel.MSG_PEEK|kernel.MSG_TRUNC, kernel.MSG_OOB)
}

func (c *scripter) send() {
	fd, p := c.fd(), c.bytes(c.pick(10, 300, 5000, 100_000))
	for range c.pick(1, 1, 1, 1, 16) {
		n, e := c.k.Send(fd, p, 0)
		c.note("send(%d, %d) = %d %v", fd, len(p), n, e)
	}
}

func (c *scripter) sendTo() {
	fd, p, at := c.fd(), c.bytes(c.pick(10, 300, 3000, 70_000)), c.addr()
	n, e := c.k.SendTo(fd, p, 0, at)
	c.note("sendto(%d, %d, %q) = %d %v", fd, len(p), at, n, e)
}

// full returns a descriptor, which usually has something to receive.
func (c *scripter) full() int {
	if !c.yes(4) {
		for range c.fds {
			if fd := c.fd(); c.k.(waiter).Waiting(fd) > 0 {
				return fd
			}
		}
	}
	return c.fd()
}

func (c *scripter) recv() {
	fd, p := c.full(), make([]byte, c.pick(0, 1, 100, 5000, 100_000))
	if c.yes(3) {
		n, from, e := c.k.RecvFrom(fd, p, c.flags())
		c.note("recvfrom(%d, %d) = %d %q %q %v", fd, len(p), n, p[:min(n, len(p), 20)], from, e)
		return
	}
	n, e := c.k.Recv(fd, p, c.flags())
	c.note("recv(%d, %d) = %d %q %v", fd, len(p), n, p[:min(n, len(p), 20)], e)
}

func (c *scripter) sendV() {
	fd := c.fd()
	var pieces [][]byte
	all := 0
	for range c.pick(0, 1, 3, 70) {
		pieces = append(pieces, c.bytes(c.pick(5, 2000)))
		all += len(pieces[len(pieces)-1])
	}
	n, e := c.k.SendV(fd, pieces)
	c.note("sendv(%d, %d) = %d %v", fd, all, n, e)
}

func (c *scripter) batches() {
	b := &kernel.Batch{Locals: c.yes(2)}
	n := 1 + c.r.Int(4)
	for range n {
		p := c.packet()
		if !b.Locals {
			p.Control, p.ControlN = nil, 0
		}
		b.Packets = append(b.Packets, p)
	}
	if c.yes(2) {
		fd := c.fd()
		sent, e := c.k.SendBatch(fd, b, n)
		c.note("sendbatch(%d, %d) = %d %v", fd, n, sent, e)
		return
	}
	fd := c.full()
	got, e := c.k.RecvBatch(fd, b)
	c.note("recvbatch(%d, %d) = %d %v", fd, n, got, e)
	for i := range b.Packets[:got] {
		c.received(&b.Packets[i])
	}
}

// packet returns a Packet to send, or to receive into.
func (c *scripter) packet() kernel.Packet {
	p := kernel.Packet{Buf: c.bytes(c.pick(10, 300, 3000)), Addr: c.addr()}
	p.N = len(p.Buf)
	if c.yes(3) {
		p.Addr = kernel.Addr{}
	}
	if c.yes(4) {
		if p.Local = c.inet(); c.yes(2) {
			p.Local = kernel.Inet(addr("10.0.9.1:0"))
		}
	}
	if c.yes(8) {
		p.Segment = uint16(c.pick(1, 5, 1000))
	}
	if c.yes(6) {
		p.ECN = uint8(c.pick(1, 2, 3))
	}
	if !c.yes(3) {
		p.Control = make([]byte, 512)
		if c.yes(2) {
			fds := []int{c.fd(), c.fd()}
			p.ControlN = copy(p.Control, kernel.Rights(fds[:1+c.r.Int(2)]...))
		}
	}
	return p
}

func (c *scripter) received(p *kernel.Packet) {
	fds := kernel.RightsIn(p.Control[:p.ControlN])
	for _, fd := range fds {
		c.add(fd)
	}
	c.note("\t%d %q from %q to %q, cut %v, ECN %d, segment %d, flags %x, files %v", p.N, p.Buf[:min(p.N, len(p.Buf), 20)], p.Addr, p.Local, p.Cut, p.ECN, p.Segment,
		p.Flags, fds)
}

func (c *scripter) messages() {
	p := c.packet()
	if c.yes(2) {
		fd := c.fd()
		e := c.k.SendMsg(fd, &p, 0)
		c.note("sendmsg(%d, %d) = %d %v", fd, len(p.Buf), p.N, e)
		return
	}
	fd := c.full()
	e := c.k.RecvMsg(fd, &p, c.flags())
	if c.note("recvmsg(%d, %d) %v", fd, len(p.Buf), e); e == 0 {
		c.received(&p)
	}
}
