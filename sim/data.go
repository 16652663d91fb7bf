package sim

import "github.com/ureactor/ureactor/internal/kernel"

// This file has the calls that move data. A fault can make a call move less than it could. An Event
// then reports the rest. For TCP this happens only if the simulated kernel promises it: see
// ReadsFully.

// most returns how many of `size` bytes the call may move.
func most(v verdict, n *node, size int) int {
	if v.short > 0 {
		size = min(size, v.short)
	}
	if n.oneByte {
		size = min(size, 1)
	}
	return size
}

func (h *Host) Recv(fd int, p []byte, flags int) (int, Errno) {
	n, g, e := h.recv(Recv, fd, p, flags)
	h.forget(g.files)
	return n, e
}

func (h *Host) RecvFrom(fd int, p []byte, flags int) (int, Addr, Errno) {
	n, g, e := h.recv(RecvFrom, fd, p, flags)
	h.forget(g.files)
	return n, g.from, e
}

// RecvMsg is RecvFrom with the details of a Packet. For faults it counts as a RecvFrom.
func (h *Host) RecvMsg(fd int, p *kernel.Packet, flags int) Errno {
	n, g, e := h.recv(RecvFrom, fd, p.Buf, flags)
	if e == 0 {
		p.N = min(n, len(p.Buf))
		h.report(p, &g)
	} else {
		h.forget(g.files)
	}
	return e
}

// SendMsg is SendTo with the details of a Packet, such as the address to send from. For faults it
// counts as a SendTo.
func (h *Host) SendMsg(fd int, p *kernel.Packet, flags int) Errno {
	n := 0
	d, e := h.details(p)
	if e == 0 {
		n, e = h.sendTo(SendTo, fd, p.Buf[:p.N], p.Addr, d)
	}
	if e != 0 {
		h.forget(d.files)
		return e
	}
	p.N = n
	return 0
}

// recv receives once. The gram contains the sender, and for a datagram its other details.
func (h *Host) recv(c Call, fd int, p []byte, flags int) (n int, g gram, e Errno) {
	f, v, ok := h.on(c, fd)
	if !ok {
		return 0, gram{}, v.e
	}
	switch s := f.(type) {
	case *tcp:
		room := most(v, &s.node, len(p))
		if n, e = s.recv(p[:room], flags); n == room && room < len(p) && s.in.len() > 0 && h.ReadsFully() {
			s.again(0)
		}
		if e == 0 && c == RecvFrom {
			g.from = s.told(s.remote)
		}
	case *udp:
		n, g, e = s.recv(p, flags)
	case *unixSocket:
		room := len(p)
		if s.stream {
			room = most(v, &s.node, room)
		}
		if n, g, e = s.recv(p[:room], flags); room < len(p) && s.in.len() > 0 {
			s.again(0)
		}
	default:
		e = kernel.EOPNOTSUPP
	}
	f.base().refill()
	if e == 0 {
		h.moves(p[:min(n, len(p))])
	}
	h.note(c, fd, n, e)
	return n, g, e
}

func (h *Host) Send(fd int, p []byte, flags int) (int, Errno) {
	return h.sendTo(Send, fd, p, Addr{}, details{})
}

func (h *Host) SendTo(fd int, p []byte, flags int, to Addr) (int, Errno) {
	return h.sendTo(SendTo, fd, p, to, details{})
}

func (h *Host) sendTo(c Call, fd int, p []byte, to Addr, d details) (n int, e Errno) {
	f, v, ok := h.on(c, fd)
	if !ok {
		return 0, v.e
	}
	n, e = h.send(f, v, p, to, d)
	h.sends(p[:min(n, len(p))])
	h.short(n, len(p))
	h.mixAddr(&to)
	h.note(c, fd, n, e)
	return n, e
}

func (h *Host) send(f file, v verdict, p []byte, to Addr, d details) (n int, e Errno) {
	switch s := f.(type) {
	case *tcp:
		room := most(v, &s.node, len(p))
		if n, e = s.send(p[:room]); room < len(p) && e == 0 {
			s.again(1)
		}
		if e == 0 {
			h.forget(d.files)
		}
	case *udp:
		if n, e = s.send(p, to, d); e == 0 {
			h.forget(d.files) // only Unix sockets pass files
		}
	case *unixSocket:
		room := len(p)
		if s.stream {
			room = most(v, &s.node, room)
		}
		if n, e = s.send(p[:room], to, d.files); room < len(p) && e == 0 {
			s.again(1)
		}
	default:
		e = kernel.EOPNOTSUPP
	}
	return n, e
}

func (h *Host) SendV(fd int, pieces [][]byte) (total int, e Errno) {
	f, v, ok := h.on(SendV, fd)
	if !ok {
		return 0, v.e
	}
	asked := 0
	for _, p := range pieces[:min(len(pieces), kernel.MaxPieces)] {
		asked += len(p)
	}
	limit := most(v, f.base(), asked)
	for _, p := range pieces[:min(len(pieces), kernel.MaxPieces)] {
		k := min(len(p), limit-total)
		if k == 0 {
			continue
		}
		n := 0
		n, e = h.send(f, verdict{}, p[:k], Addr{}, details{})
		total += n
		h.sends(p[:n])
		if e != 0 || n < k {
			break
		}
	}
	if total > 0 {
		e = 0
	}
	if limit < asked && e == 0 {
		f.base().again(1)
	}
	h.short(total, asked)
	h.note(SendV, fd, total, e)
	return total, e
}

func (h *Host) RecvBatch(fd int, b *kernel.Batch) (n int, e Errno) {
	f, v, ok := h.on(RecvBatch, fd)
	if !ok {
		return 0, v.e
	}
	limit := most(v, &node{}, len(b.Packets))
	for n < limit {
		p := &b.Packets[n]
		var g gram
		switch s := f.(type) {
		case *udp:
			p.N, g, e = s.recv(p.Buf, 0)
		case *unixSocket:
			p.N, g, e = s.recv(p.Buf, 0)
		default:
			e = kernel.EOPNOTSUPP
		}
		if e != 0 {
			break
		}
		h.report(p, &g)
		n++
	}
	if n > 0 {
		e = 0
	}
	if n == limit && limit < len(b.Packets) {
		f.base().again(0)
	}
	f.base().refill()
	h.note(RecvBatch, fd, n, e)
	return n, e
}

func (h *Host) SendBatch(fd int, b *kernel.Batch, n int) (sent int, e Errno) {
	f, v, ok := h.on(SendBatch, fd)
	if !ok {
		return 0, v.e
	}
	limit := most(v, &node{}, n)
	for sent < limit {
		p := &b.Packets[sent]
		var d details
		if d, e = h.details(p); e == 0 {
			_, e = h.send(f, verdict{}, p.Buf[:p.N], p.Addr, d)
		}
		if e != 0 {
			h.forget(d.files)
			break
		}
		h.sends(p.Buf[:p.N])
		h.mixAddr(&p.Addr)
		sent++
	}
	if sent > 0 {
		e = 0
	}
	h.note(SendBatch, fd, sent, e)
	return sent, e
}
