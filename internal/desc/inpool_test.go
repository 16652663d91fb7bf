package desc

import (
	"testing"
	"unsafe"
)

// get returns an empty slice with room for n bytes. The test tries n at the edges of each size,
// with an empty pool and with a full one.
func TestInputPoolGivesRoom(t *testing.T) {
	full := func() *InputPool {
		p := &InputPool{}
		for n := 1; n <= 2<<(pieceClasses+8); n *= 2 {
			for _, k := range []int{n - 1, n, n + 1} {
				p.put(make([]byte, k/2, k))
			}
		}
		return p
	}
	for name, p := range map[string]*InputPool{"none": nil, "empty": {}, "full": full()} {
		for n := 1; n <= 2<<(pieceClasses+8); n *= 2 {
			for _, k := range []int{n - 1, n, n + 1} {
				if b := p.get(k); len(b) != 0 || cap(b) < k || cap(b) > max(2*k, leastPiece) {
					t.Errorf("%s: get(%d): %d of %d bytes", name, k, len(b), cap(b))
				}
			}
		}
	}
}

// get returns each piece that was put in the pool once. put drops a piece that has none of the
// sizes.
func TestInputPoolKeepsItsClasses(t *testing.T) {
	p := &InputPool{}
	b := p.get(leastPiece + 1)
	p.put(b)
	if p.kept != cap(b) {
		t.Errorf("%d bytes are kept, want %d", p.kept, cap(b))
	}
	if c := p.get(leastPiece + 1); unsafe.SliceData(c) != unsafe.SliceData(b) || p.kept != 0 {
		t.Errorf("other memory, and %d bytes are kept", p.kept)
	}
	if c := p.get(leastPiece + 1); unsafe.SliceData(c) == unsafe.SliceData(b) {
		t.Error("the same memory twice")
	}
	p.put(make([]byte, 0, leastPiece+1))
	p.put(make([]byte, 0, leastPiece<<pieceClasses))
	if p.kept != 0 {
		t.Errorf("%d bytes of no class are kept", p.kept)
	}
}

// Settle moves the remaining bytes to the front only if as many bytes were consumed and the new
// bytes would not fit. Then it needs no new memory.
func TestSettleMovesBytesOnlyForRoom(t *testing.T) {
	for _, c := range []struct {
		consumed, arrive int
		moved            bool
	}{{10, 50, false}, {3000, 50, false}, {3000, 1050, true}, {2048, 2000, true}} {
		var b Inbound
		b.Init("test: Init", 1<<20, &InputPool{})
		b.Show(make([]byte, 4000))
		b.Settle()
		held := b.Held()
		if _, err := b.Discard(c.consumed); err != nil {
			t.Fatal(err)
		}
		b.Show(make([]byte, c.arrive))
		b.Settle()
		if moved := b.start == 0; moved != c.moved || b.Held() != held {
			t.Errorf("%d consumed, %d arrive: moved %v, %d bytes, before %d", c.consumed, c.arrive, moved, b.Held(), held)
		}
	}
}
