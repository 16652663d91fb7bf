package desc

import (
	"fmt"
	"unsafe"
)

// A Buffer is what the callbacks and tasks of a loop receive into, one after the other. What a task
// has received there is its own until it waits.
type Buffer struct {
	P    []byte
	lent int // how much of P a task has now; counted only where Poisons
}

// Spoil ends the validity of what a task has received there. It is for where Poisons.
func (b *Buffer) Spoil() {
	for p := b.P[:b.lent]; len(p) > 0; {
		p = p[copy(p, poison):]
	}
	b.lent = 0
}

// poison is what a program reads that has kept a slice for too long.
const poison = "<this was valid until the task's next wait; copy what you keep>"

// own is p, or a copy of it if p is in the Buffer.
func (b *Buffer) own(p []byte) []byte {
	at, first := uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(unsafe.Pointer(unsafe.SliceData(b.P)))
	if at-first < uintptr(len(b.P)) {
		return append([]byte(nil), p...)
	}
	return p
}

// Own is p, or a copy of it if p is in the loop's buffer, where it does not outlive a wait.
func (d *Desc) Own(p []byte) []byte {
	if !d.shared && len(p) > 0 {
		if b, e := d.Waiter.Buffer(); e == 0 {
			return b.own(p)
		}
	}
	return p
}

// own has a call own what it has still to send, for it is about to wait.
func (d *Desc) own(c *Call) {
	c.P = d.Own(c.P)
	if c.V != nil {
		for i, p := range *c.V {
			(*c.V)[i] = d.Own(p)
		}
	}
}

// Room is the loop's buffer for a call that receives into it: only a task has it. What comes of the
// call is Shown. Where callers park it is nil; then Borrow is the call.
func (d *Desc) Room(c *Call) ([]byte, Errno) {
	if d.shared {
		return nil, 0
	}
	b, e := d.Waiter.Buffer()
	if e != 0 {
		return nil, e
	}
	if d.dirs[In].busy && c.Limit.Blocks() {
		d.second()
	}
	if !d.registered && !d.closed {
		d.Waiter.Free(d)
	}
	if Poisons {
		b.Spoil()
	}
	return b.P, 0
}

// Shown is what a call has received in the loop's buffer. It is valid until the task's next wait.
func (d *Desc) Shown(room []byte, n int) []byte {
	if Poisons {
		if b, e := d.Waiter.Buffer(); e == 0 {
			b.lent = n
		}
	}
	return room[:n:n]
}

// second is a caller who would wait for the turn with what no buffer of its own can hold.
func (d *Desc) second() {
	panic(fmt.Sprintf("Data on descriptor %d, whose input another caller waits for: let one caller read, or use a read into a buffer of your own, which takes turns", d.FD))
}

// Fetch is Do with one receive, nil is recv(2), into a buffer of Scratch, which the call does not
// have while it waits. The buffer is the caller's then; nil is the end, or an empty datagram.
func (d *Desc) Fetch(c *Call, receive Receive) (room *[ScratchSize]byte, n int, e Errno) {
	c.NeedsNew = c.NeedsNew || receive == nil && d.ShortIsAll
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

// Borrow is Fetch whose buffer is the Desc's until its next Borrow.
func (d *Desc) Borrow(c *Call, receive Receive) ([]byte, Errno) {
	d.giveBack(c)
	room, n, e := d.Fetch(c, receive)
	if room == nil {
		return nil, e
	}
	d.lock()
	if d.extra != nil && d.extra.borrowed == nil { // else the garbage collector gets it
		d.extra.borrowed = room
	}
	d.unlock()
	return room[:n:n], e
}

// giveBack ends the validity of what the last Borrow has returned.
func (d *Desc) giveBack(c *Call) {
	d.lock()
	if d.dirs[In].busy && c.Limit.Blocks() && !d.closed {
		d.unlock()
		d.second()
	}
	var p *[ScratchSize]byte
	if !d.closed { // Close does not end its validity
		x := d.ensureExtra()
		p, x.borrowed = x.borrowed, nil
	}
	d.unlock()
	if p == nil {
		return
	}
	if Poisons {
		b := Buffer{P: p[:], lent: ScratchSize}
		b.Spoil()
	}
	Scratch.Put(p)
}
