package desc

import (
	"fmt"
	"unsafe"
)

// A Buffer is the buffer into which all callbacks and tasks of a loop receive, one after the other.
// The bytes that a task has received there are valid until the task waits.
type Buffer struct {
	P    []byte
	lent int // bytes of P that a task uses now; counted only if Poisons
	// Keeper is the object whose bytes, received but not consumed, are in P. It is nil if there is
	// none.
	Keeper Keeper
}

// A Keeper owns received bytes in a Buffer. Before the Buffer is used again, the Keeper copies
// these bytes.
type Keeper interface{ Save() }

// End ends the validity of the bytes that a task has received in the Buffer.
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

// Poison overwrites bytes that are not valid any more. It is called only if Poisons.
func Poison(p []byte) {
	for len(p) > 0 {
		p = p[copy(p, poison):]
	}
}

// poison is the text that a program reads if it has kept a slice for too long.
const poison = "<this was valid until the task's next wait or the callback's end; copy what you keep>"

// own returns p, or a copy of it if p is in the Buffer.
func (b *Buffer) own(p []byte) []byte {
	if Within(p, b.P) {
		return append([]byte(nil), p...)
	}
	return p
}

// Within reports whether p begins in memory.
func Within(p, memory []byte) bool {
	at, first := uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	return at-first < uintptr(len(memory))
}

// Own returns p. If p is in the loop's buffer, where it would not be valid after a wait, Own
// returns a copy.
func (d *Desc) Own(p []byte) []byte {
	if !d.shared && len(p) > 0 {
		if b, e := d.Waiter.Buffer(); e == 0 {
			return b.own(p)
		}
	}
	return p
}

// own replaces the unsent bytes of a call that is about to wait by copies, if they are in the
// loop's buffer.
func (d *Desc) own(c *Call) {
	c.P = d.Own(c.P)
	if c.V != nil {
		for i, p := range *c.V {
			(*c.V)[i] = d.Own(p)
		}
	}
}

// Room returns the loop's buffer. A call of a task receives into that buffer and then calls Shown.
// If callers of the Desc park instead of suspending a task, Room returns nil, and the caller uses
// Borrow.
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

// Shown returns the n bytes that a call has received in the loop's buffer. They are valid until the
// task's next wait.
func (d *Desc) Shown(room []byte, n int) []byte {
	if Poisons {
		if b, e := d.Waiter.Buffer(); e == 0 {
			b.lent = n
		}
	}
	return room[:n:n]
}

// secondReader panics: two callers of Data on one Desc would share one buffer.
func (d *Desc) secondReader() {
	panic(fmt.Sprintf("Data on descriptor %d, whose input another caller waits for: let one caller read, or use a read into a buffer of your own, which takes turns", d.FD))
}

// Fetch is Do with one receive into a buffer of Scratch. A call that waits holds no buffer. The
// caller owns the result, which is nil for the end of input or an empty datagram. If receive is
// nil, Fetch uses recv(2).
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

// Borrow is Fetch with a buffer that the Desc owns. The result is valid until the next Borrow.
func (d *Desc) Borrow(c *Call, receive Receive) ([]byte, Errno) {
	d.giveBack(c)
	room, n, e := d.Fetch(c, receive)
	if room == nil {
		return nil, e
	}
	d.lock()
	if d.extra != nil && d.extra.borrowed == nil { // otherwise the garbage collector frees the buffer
		d.extra.borrowed = room
	}
	d.unlock()
	return room[:n:n], e
}

// giveBack returns the buffer of the last Borrow to Scratch.
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
