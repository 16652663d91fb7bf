package reactor

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A board shows the latest figures of the loop: see publish. A board has two slots. The loop never
// waits for readers: while a reader reads one slot, the loop uses the other. Readers wait for each
// other, and for the loop while it copies.
type board struct {
	slots   [2]boardSlot
	latest  atomic.Pointer[boardSlot] // the slot that was written last
	own     *boardSlot                // the same, for the loop alone
	reading sync.Mutex                // one reader at a time, so one slot is always free
}

type boardSlot struct {
	taken atomic.Bool // the loop writes it, or the reader reads it
	f     figures
}

func (b *board) begin() {
	b.own = &b.slots[0]
	b.latest.Store(b.own)
}

// turnOver gives the loop the slot that no reader uses. There is at most one reader at a time, so
// one of the two slots is free.
func (b *board) turnOver() *boardSlot {
	s := &b.slots[0]
	if s == b.own {
		s = &b.slots[1]
	}
	s.taken.Store(true)
	b.own = s
	b.latest.Store(s) // a reader that comes now waits until the loop has written
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
