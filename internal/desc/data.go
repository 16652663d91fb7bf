package desc

import (
	"fmt"
	"unsafe"
)

// A Buffer is the memory into which all callbacks and tasks of a loop receive, one after the other.
// The bytes that a task has received are valid until the task waits.
type Buffer struct {
	P    []byte
	lent int // how many bytes of P a task uses now; only counted if Poisons
	// Keeper is the object whose received bytes are in P and not consumed yet. It is nil if there are
	// no such bytes.
	Keeper Keeper
}

// A Keeper owns bytes in a Buffer. Save copies these bytes, before the Buffer is used again.
type Keeper interface{ Save() }

// End is called when the bytes that a task has received in the Buffer become invalid.
func (b *Buffer) End() {
	if k := b.Keeper; k != nil {
		b.Keeper = nil
		k.Save()
	}
	if Poisons {
		Poison(b.P[:b.lent])
		b.lent = 0
	}
}

// Poison overwrites bytes that are not valid any more. It is called only if Poisons is true.
func Poison(p []byte) {
	for len(p) > 0 {
		p = p[copy(p, poison):]
	}
}

// poison is what a program reads if it uses a slice after the slice has become invalid.
const poison = "<this was valid until the task's next wait or the callback's end; copy what you keep>"

// own returns p. If p is in the Buffer, own returns a copy of p.
func (b *Buffer) own(p []byte) []byte {
	if Within(p, b.P) {
		return append([]byte(nil), p...)
	}
	return p
}

// Within reports whether the first byte of p is in memory.
func Within(p, memory []byte) bool {
	at, first := uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	return at-first < uintptr(len(memory))
}

// Own returns p. If p is in the loop's buffer, Own returns a copy, because p would not be valid
// after a wait.
func (d *Desc) Own(p []byte) []byte {
	if !d.shared && len(p) > 0 {
		if b, e := d.Waiter.Buffer(); e == 0 {
			return b.own(p)
		}
	}
	return p
}

// own is called before a call waits. It replaces unsent bytes that are in the loop's buffer by
// copies.
func (d *Desc) own(c *Call) {
	c.P = d.Own(c.P)
	if c.V != nil {
		for i, p := range *c.V {
			(*c.V)[i] = d.Own(p)
		}
	}
}

// Room returns the loop's buffer. A task receives into it, and then calls Shown. If the callers of
// the Desc park, Room returns nil, and the caller must use Borrow.
func (d *Desc) Room(c *Call) ([]byte, Errno) {
	if d.shared {
		return nil, 0
	}
	b, e := d.Waiter.Buffer()
	if e != 0 {
		return nil, e
	}
	if d.dirs[In].busy && c.Limit.Blocks() {
		d.secondReader()
	}
	if !d.registered && !d.suspended && !d.closed {
		d.Waiter.Free(d)
	}
	b.End()
	return b.P, 0
}

// Shown returns the n bytes that a task has received into the loop's buffer. They are valid until
// the task waits.
func (d *Desc) Shown(room []byte, n int) []byte {
	if Poisons {
		if b, e := d.Waiter.Buffer(); e == 0 {
			b.lent = n
		}
	}
	return room[:n:n]
}

// secondReader panics, because two callers of Data on one Desc would use the same buffer.
func (d *Desc) secondReader() {
	panic(fmt.Sprintf("Data on descriptor %d, whose input another caller waits for: let one caller read, or use a read into a buffer of your own, which takes turns", d.FD))
}

// Fetch calls Do with a try that receives once, into a buffer of the pool Scratch. While the call
// waits, it holds no buffer. The caller owns the returned buffer. It is nil after the end of input
// or an empty datagram. If receive is nil, the try is recv(2).
func (d *Desc) Fetch(c *Call, receive Receive) (room *[ScratchSize]byte, n int, e Errno) {
	c.NeedsNew = c.NeedsNew || receive == nil && d.Drains()
	n, e = d.Do(In, c, func() (n int, e Errno) {
		p := Scratch.Get().(*[ScratchSize]byte)
		if receive != nil {
			n, e = receive(p[:], 0)
		} else {
			n, e = d.Kernel.Recv(d.FD, p[:], 0)
			c.Drained = c.NeedsNew && 0 < n && n < len(p)
		}
		if e != 0 || n == 0 {
			Scratch.Put(p)
		} else {
			room = p
		}
		return n, e
	})
	return room, n, e
}

// Borrow is like Fetch, except that the Desc owns the buffer. The result is valid until the next
// Borrow.
func (d *Desc) Borrow(c *Call, receive Receive) ([]byte, Errno) {
	d.giveBack(c)
	room, n, e := d.Fetch(c, receive)
	if room == nil {
		return nil, e
	}
	d.lock()
	if d.extra != nil && d.extra.borrowed == nil { // otherwise the garbage collector frees it
		d.extra.borrowed = room
	}
	d.unlock()
	return room[:n:n], e
}

// giveBack returns the buffer of the last Borrow to the pool Scratch.
func (d *Desc) giveBack(c *Call) {
	d.lock()
	if d.dirs[In].busy && c.Limit.Blocks() && !d.closed {
		d.unlock()
		d.secondReader()
	}
	var p *[ScratchSize]byte
	if !d.closed { // after Close the bytes stay valid
		x := d.ensureExtra()
		p, x.borrowed = x.borrowed, nil
	}
	d.unlock()
	if p == nil {
		return
	}
	if Poisons {
		Poison(p[:])
	}
	Scratch.Put(p)
}
