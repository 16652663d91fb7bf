package fdtable

import (
	"fmt"
	"math"
)

// A Table maps a descriptor and a generation to a value. So an Event of a closed descriptor is
// never delivered to the next owner of the same number. The zero Table is empty. The goroutine that
// owns the Poller also owns the Table.
type Table[T any] struct {
	slots []slot[T]
	used  int
	first uint32 // the generation of a new slot: even, and not below that of any removed slot
}

// tableKeep is the number of slots up to which a Table does not shrink.
const tableKeep = 4096

// A slot has one descriptor number. Its gen is odd while the slot is in use: Put and Delete both
// add one. The largest uint32 is odd, so after an overflow the 0 means a free slot, as it should. A
// generation repeats only after 2^31 reuses of one number, so never within one batch of Events.
type slot[T any] struct {
	v   T
	gen uint32
}

// Put stores v for fd and returns the generation, which is never 0. It panics if fd is in use.
func (t *Table[T]) Put(fd int, v T) uint32 {
	if fd < 0 || fd != int(int32(fd)) {
		panic(fmt.Sprintf("fdtable: descriptor %d: must be 0 … %d", fd, math.MaxInt32))
	}
	for fd >= len(t.slots) {
		t.slots = append(t.slots, slot[T]{gen: t.first})
	}
	s := &t.slots[fd]
	if s.gen&1 == 1 {
		panic(fmt.Sprintf("fdtable: descriptor %d is in the table already; stop its owner before closing it", fd))
	}
	s.gen++
	s.v = v
	t.used++
	return s.gen
}

// Get returns the value of fd, if gen is its generation.
func (t *Table[T]) Get(fd int32, gen uint32) (v T, ok bool) {
	if uint(fd) >= uint(len(t.slots)) {
		return v, false
	}
	s := &t.slots[fd]
	if s.gen != gen || gen&1 == 0 {
		return v, false
	}
	return s.v, true
}

// Has returns whether fd is in use, with any generation.
func (t *Table[T]) Has(fd int) bool { return fd >= 0 && fd < len(t.slots) && t.slots[fd].gen&1 == 1 }

// Delete removes fd if gen is its generation, and returns whether it did.
func (t *Table[T]) Delete(fd int32, gen uint32) bool {
	if _, ok := t.Get(fd, gen); !ok {
		return false
	}
	t.slots[fd].gen++
	var none T
	t.slots[fd].v = none
	t.used--
	t.shrink()
	return true
}

// shrink removes the unused slots at the end, if less than a quarter of all slots are in use. A new
// slot starts from first, the largest generation of the removed slots. So a stale Event of a
// removed slot matches no new one.
func (t *Table[T]) shrink() {
	if len(t.slots) <= tableKeep || t.used >= len(t.slots)/4 {
		return
	}
	n := len(t.slots)
	for n > tableKeep && t.slots[n-1].gen&1 == 0 {
		n--
		t.first = max(t.first, t.slots[n].gen)
	}
	t.slots = t.slots[:n]
	if n < cap(t.slots)/4 {
		t.slots = append(make([]slot[T], 0, 2*n), t.slots...)
	}
}

// Len returns the number of descriptors in use.
func (t *Table[T]) Len() int { return t.used }

// Some calls f for each value in use from descriptor fd on, until f returns false. It returns the
// descriptor where the next call continues. `done` means that no values are left. f may call
// Delete.
func (t *Table[T]) Some(fd int, f func(v T) bool) (next int, done bool) {
	for fd = max(fd, 0); fd < len(t.slots); fd++ {
		if t.slots[fd].gen&1 == 1 && !f(t.slots[fd].v) {
			return fd + 1, false
		}
	}
	return fd, true
}

// All calls f for each value in use, in the order of the descriptors. f may call Delete.
func (t *Table[T]) All(f func(fd int, v T)) {
	for fd := 0; fd < len(t.slots); fd++ {
		if t.slots[fd].gen&1 == 1 {
			f(fd, t.slots[fd].v)
		}
	}
}
