package desc

import (
	"bytes"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
)

// This file has the calls on streams. Plain descriptors and TLS use them. Each of these calls is
// one Call of several parts.

// A Receive receives once into p and does not wait. At the end of input it returns 0, 0. The flags
// are those of recv(2).
type Receive func(p []byte, flags int) (int, Errno)

// ScratchSize is the size of a buffer of Scratch, in bytes. Any IP datagram fits in it.
const ScratchSize = 64 << 10

// Scratch is a pool of buffers for data of unknown size. A call borrows a buffer for one try, so it
// holds none while it waits. Then the data is copied, so that the result is not larger than the
// data.
var Scratch = sync.Pool{New: func() any { return new([ScratchSize]byte) }}

// Fill receives until p is full, the input ends, or an error occurs. n is the number of bytes that
// were received. If Fill returns EAGAIN, n is 0.
func (d *Desc) Fill(c *Call, p []byte, recv Receive) (n int, e Errno) {
	_, e = d.Do(In, c, func() (int, Errno) {
		got, e := recv(p[n:], 0)
		n += got
		c.Again = e == 0 && got > 0 && n < len(p)
		return got, e
	})
	return n, some(e, n)
}

// Gather is like Fill, except that it receives into new memory, at most n bytes. n is greater than
// 0.
func (d *Desc) Gather(c *Call, n int, recv Receive) ([]byte, Errno) {
	g := gathered{data: []byte{}}
	_, e := d.Do(In, c, func() (int, Errno) {
		free := g.room(min(n-len(g.data), ScratchSize))
		if free == 0 {
			c.Again = true
			return g.grow(), 0
		}
		room := Scratch.Get().(*[ScratchSize]byte)
		got, e := recv(room[:free], 0)
		g.add(room[:got])
		Scratch.Put(room)
		c.Again = e == 0 && got > 0 && len(g.data) < n
		return got, e
	})
	return g.data, some(e, len(g.data))
}

// Line is like Gather, except that it ends after '\n' and receives nothing beyond it. peek must be
// set only if recv supports MSG_PEEK and d is a stream.
func (d *Desc) Line(c *Call, limit int, peek bool, recv Receive) ([]byte, Errno) {
	g := gathered{data: []byte{}}
	_, e := d.Do(In, c, func() (int, Errno) {
		free := g.room(min(limit-len(g.data), ScratchSize))
		if free == 0 {
			c.Again = true
			return g.grow(), 0
		}
		room := Scratch.Get().(*[ScratchSize]byte)
		p := room[:free]
		n, end, e := 0, false, Errno(0)
		if !peek || !d.alone(c, func() { n, e = peekLine(p, recv) }) {
			n, end, e = stepLine(c, p, recv)
		}
		g.add(p[:n])
		// If data is full, it grows before the call waits: the try after the wait may be the last one,
		// and must have room.
		more := e == 0 || e == kernel.EAGAIN && g.room(1) == 0
		c.Again = more && n > 0 && !end && len(g.data) < limit && p[n-1] != '\n'
		Scratch.Put(room)
		return n, e
	})
	return g.data, some(e, len(g.data))
}

// peekFirst is how many bytes the first peek of Line copies. The number is small because most lines
// are short, and each peeked byte is copied a second time by the receive.
const peekFirst = 256

// peekLine finds the end of the line by a peek, and then receives the line. It must be called
// through alone. Otherwise another call could receive the peeked bytes.
func peekLine(p []byte, recv Receive) (int, Errno) {
	for room := min(peekFirst, len(p)); ; room = min(4*room, len(p)) {
		n, e := recv(p[:room], kernel.MSG_PEEK)
		if e != 0 || n == 0 {
			return 0, e
		}
		if i := bytes.IndexByte(p[:n], '\n'); i >= 0 {
			return recv(p[:i+1], 0)
		}
		if n < room || room == len(p) {
			return recv(p[:n], 0)
		}
	}
}

// stepMax is how many bytes one try receives, each with a recv of its own.
const stepMax = 256

// stepLine receives byte by byte. `end` means that the input has ended, which a datagram socket
// reports only once. Over TLS a peer may send many records without data between two bytes. So
// stepLine also stops when the cost of its records has used up a budget.
func stepLine(c *Call, p []byte, recv Receive) (n int, end bool, e Errno) {
	for n < min(len(p), stepMax) && (n == 0 || p[n-1] != '\n' && c.Records < budget) {
		k, e := recv(p[n:n+1], 0)
		if n += k; e != 0 || k == 0 {
			return n, e == 0, e
		}
	}
	return n, false, 0
}

// some returns the error of a read that has received n bytes. EAGAIN is an error only if n is 0.
func some(e Errno, n int) Errno {
	if e == kernel.EAGAIN && n > 0 {
		return 0
	}
	return e
}

// Pour sends all of p. n is the number of bytes that send has accepted, also if Pour returns an
// error. If send returns EAGAIN, Pour calls it again when there is room. In that call p may be
// empty, because send may accept all bytes and still return EAGAIN.
func (d *Desc) Pour(c *Call, p []byte, send func(p []byte) (int, Errno)) (n int, e Errno) {
	c.P = p
	_, e = d.Do(Out, c, func() (int, Errno) {
		sent, e := send(c.P)
		n += sent
		c.P = c.P[sent:]
		c.Again = e == 0 && len(c.P) > 0
		return sent, e
	})
	return n, e
}

// alone runs f if no other call receives from the Desc now. It returns whether it has run f. alone
// holds the lock, so that no other call begins to receive meanwhile. f makes one or two system
// calls.
func (d *Desc) alone(c *Call, f func()) bool {
	if !d.shared {
		f()
		return true
	}
	d.lock()
	defer d.unlock()
	s := &d.dirs[In]
	if c.Limit.Blocks() {
		if d.unturned > 0 {
			return false
		}
	} else if d.unturned > 1 || s.busy && s.waiting == nil {
		return false
	}
	f()
	return true
}
