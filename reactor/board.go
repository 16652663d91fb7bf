package reactor

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A board has the latest figures of the loop, which publish writes. It has two slots. While a
// reader reads one slot, the loop writes to the other, so the loop never waits for a reader.
// Readers wait for each other, and for the loop while it writes.
type board struct {
	slots   [2]boardSlot
	latest  atomic.Pointer[boardSlot] // the slot with the latest figures
	own     *boardSlot                // the same slot, for the loop alone
	reading sync.Mutex                // lets one reader read at a time, so that the other slot is free
}

type boardSlot struct {
	taken atomic.Bool // the loop writes the slot, or a reader reads it
	f     figures
}

func (b *board) begin() {
	b.own = &b.slots[0]
	b.latest.Store(b.own)
}

// turnOver returns the slot for the loop to write next. That slot is free, because the only reader
// reads the other one.
func (b *board) turnOver() *boardSlot {
	s := &b.slots[0]
	if s == b.own {
		s = &b.slots[1]
	}
	s.taken.Store(true)
	b.own = s
	b.latest.Store(s) // a reader that starts now waits until the loop has written
	return s
}

// get returns the latest figures. Any goroutine may call it.
func (b *board) get() figures {
	b.reading.Lock()
	defer b.reading.Unlock()
	for {
		s := b.latest.Load()
		if s.taken.CompareAndSwap(false, true) {
			f := s.f
			s.taken.Store(false)
			return f
		}
		runtime.Gosched()
	}
}
