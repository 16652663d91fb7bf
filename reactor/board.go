package reactor

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A board holds the latest value of its one writer for any number of readers. The writer never
// waits for readers: while one reads a slot, the writer uses the other. Readers wait for each
// other, and for the writer while it copies.
type board[T any] struct {
	slots   [2]boardSlot[T]
	latest  atomic.Int32 // the slot that was written last
	own     int32        // the same, for the writer alone
	reading sync.Mutex   // one reader at a time, so one slot is always free
}

type boardSlot[T any] struct {
	taken atomic.Bool // in use, by the writer or by the reader
	v     T
}

// put is for the writer.
func (b *board[T]) put(v *T) {
	i := b.own
	for !b.slots[i].taken.CompareAndSwap(false, true) {
		i ^= 1
	}
	b.slots[i].v = *v
	b.slots[i].taken.Store(false)
	if i != b.own {
		b.own = i
		b.latest.Store(i)
	}
}

// get is for any goroutine.
func (b *board[T]) get() T {
	b.reading.Lock()
	defer b.reading.Unlock()
	for {
		s := &b.slots[b.latest.Load()]
		if s.taken.CompareAndSwap(false, true) {
			v := s.v
			s.taken.Store(false)
			return v
		}
		runtime.Gosched()
	}
}
