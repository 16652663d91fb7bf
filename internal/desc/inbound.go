package desc

import (
	"bytes"
	"errors"
	"fmt"
)

// Peek, Next and Discard return these errors. Package reactor exports them.
var (
	ErrIncomplete = errors.New("reactor: the input has not arrived; try again in the next Data")
	ErrInputLimit = errors.New("reactor: more input than the limit of KeepInput or NewInput")
)

// An Inbound is a buffer of input: the bytes of rest from start on, followed by those of view. New
// input is in view and is not copied. Before view becomes invalid, Settle or Keep copies its bytes
// to rest.
//
//	field    set by                      cleared by           holds
//	rest     Peek beyond it, Settle      Settle, Drop         memory of the Inbound
//	start    Next, Discard               Settle, growth       0 <= start <= len(rest)
//	view     Show                        Settle, Drop         memory that belongs to the caller of Show
//	old      growth                      Settle, Drop         the earlier rest: slices of it are in use
//
// Between two Settles, bytes are only appended to rest. So every slice that Peek and Next have
// returned stays valid until Settle.
type Inbound struct {
	rest  []byte
	start int
	view  []byte
	old   []byte
	limit int
	pool  *InputPool // if nil, memory comes from the allocator
}

// MaxInput is the largest limit that an Inbound may have, in bytes.
const MaxInput = 1 << 30

// Init sets the limit of Peek and Next, and the pool of memory. If the limit is out of range, Init
// panics. The message contains op, the name of the exported function with the wrong argument.
func (b *Inbound) Init(op string, limit int, pool *InputPool) {
	if limit < 1 || limit > MaxInput {
		panic(fmt.Sprintf("%s(%d): must be 1 … %d", op, limit, MaxInput))
	}
	b.limit, b.pool = limit, pool
}

// Limit returns the limit.
func (b *Inbound) Limit() int { return b.limit }

// Show appends p without a copy. p must stay valid until Settle. Settle must be called before the
// next Show.
func (b *Inbound) Show(p []byte) { b.view = p }

// Buffered returns how many bytes were shown and are not consumed.
func (b *Inbound) Buffered() int { return len(b.rest) - b.start + len(b.view) }

// Held returns how many bytes of memory the Inbound owns.
func (b *Inbound) Held() int { return cap(b.rest) }

// Peek returns the next n bytes. They stay in the Inbound.
func (b *Inbound) Peek(n int) ([]byte, error) {
	kept := len(b.rest) - b.start
	switch {
	case uint(n) > uint(b.limit):
		return nil, b.refuse("Peek", n)
	case kept == 0 && n <= len(b.view):
		return b.view[:n:n], nil
	case n > kept+len(b.view):
		return nil, ErrIncomplete
	case n > kept:
		b.merge(n - kept)
	}
	return b.rest[b.start : b.start+n : b.start+n], nil
}

// Next returns the next n bytes and consumes them.
func (b *Inbound) Next(n int) ([]byte, error) {
	p, err := b.Peek(n)
	if err == nil {
		b.consume(n)
	}
	return p, err
}

// Discard consumes up to n bytes and returns how many. If there are fewer than n bytes, it also
// returns ErrIncomplete.
func (b *Inbound) Discard(n int) (int, error) {
	if n < 0 {
		return 0, b.refuse("Discard", n)
	}
	k := min(n, b.Buffered())
	b.consume(k)
	if k < n {
		return k, ErrIncomplete
	}
	return k, nil
}

// All returns and consumes all bytes, even if they exceed the limit.
func (b *Inbound) All() []byte {
	p := b.view
	if kept := len(b.rest) - b.start; kept > 0 {
		b.merge(len(b.view))
		p = b.rest[b.start:]
	}
	b.consume(len(p))
	return p
}

func (b *Inbound) consume(n int) {
	k := min(n, len(b.rest)-b.start)
	b.start += k
	b.view = b.view[n-k:]
}

// Index returns where sep begins in the input, or -1. The search begins at the offset from.
func (b *Inbound) Index(sep []byte, from int) int {
	if len(sep) == 0 || from < 0 {
		panic(fmt.Sprintf("reactor: Index(%q, %d): sep must not be empty, and from must be 0 or more", sep, from))
	}
	kept, view := len(b.rest)-b.start, b.view
	if from < kept {
		if more := min(len(sep)-1, len(view)); more > 0 {
			b.merge(more) // sep may begin in rest and end in view
		}
		if i := bytes.Index(b.rest[b.start+from:], sep); i >= 0 {
			return from + i
		}
		from = kept
	}
	if from -= kept; from > len(view) {
		return -1
	}
	i := bytes.Index(view[from:], sep)
	if i < 0 {
		return -1
	}
	return kept + from + i
}

// merge moves the first n bytes of view to the end of rest.
func (b *Inbound) merge(n int) {
	if cap(b.rest)-len(b.rest) < n {
		b.grow(n)
	}
	b.rest = append(b.rest, b.view[:n]...)
	b.view = b.view[n:]
}

// grow makes room in rest for n more bytes, in new memory. The old memory is not changed, because
// slices of it may be in use.
func (b *Inbound) grow(n int) {
	kept := b.rest[b.start:]
	rest := append(b.pool.get(max(len(kept)+n, 2*len(kept))), kept...)
	if b.old == nil {
		b.old = b.rest
	}
	b.rest, b.start = rest, 0
}

// shrinkAbove is a size in bytes. Above it, Settle frees memory of which most is unused.
const shrinkAbove = 64 << 10

// Settle makes view and all returned slices invalid. It copies the bytes of view that are not
// consumed, and frees memory that is not needed.
func (b *Inbound) Settle() {
	if b.rest == nil {
		if len(b.view) == 0 {
			b.view = nil
			return
		}
	} else {
		b.tidy()
	}
	b.Keep()
	b.free(&b.old)
}

// tidy frees the consumed part of rest. It moves bytes to the front only if at least as many bytes
// were consumed. So each byte is moved a bounded number of times.
func (b *Inbound) tidy() {
	b.free(&b.old)
	kept := len(b.rest) - b.start
	if kept == 0 {
		b.free(&b.rest)
		b.start = 0
		return
	}
	if Poisons {
		Poison(b.rest[:b.start])
	}
	switch need := kept + len(b.view); {
	case cap(b.rest) > shrinkAbove && need < cap(b.rest)/4:
		b.grow(len(b.view))
	case b.start >= kept && need > cap(b.rest)-b.start:
		b.rest = b.rest[:copy(b.rest, b.rest[b.start:])]
		b.start = 0
	}
}

func (b *Inbound) free(p *[]byte) {
	if *p != nil {
		if Poisons {
			Poison(*p)
		}
		b.pool.put(*p)
		*p = nil
	}
}

// Keep copies the bytes of view that are not consumed, because view becomes invalid. Returned
// slices of rest stay valid.
func (b *Inbound) Keep() {
	if len(b.view) > 0 {
		b.merge(len(b.view))
	}
	b.view = nil
}

// Drop removes all bytes. Slices that were returned stay valid.
func (b *Inbound) Drop() { b.rest, b.start, b.view, b.old = nil, 0, nil, nil }

func (b *Inbound) refuse(op string, n int) error {
	if n < 0 {
		panic(fmt.Sprintf("reactor: %s(%d) of an Input: must be 0 or more", op, n))
	}
	return fmt.Errorf("%w: %s(%d), and the limit is %d", ErrInputLimit, op, n, b.limit)
}
