package desc

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The test compares an Inbound with a slice of bytes, for random pieces and random calls. Slices
// that were returned do not change until Settle. An empty Inbound holds no memory.
func TestAnInboundIsAQueueOfBytes(t *testing.T) {
	for seed := range longtest.Seeds(t, 200, 2000, 20_000) {
		r := rand.New(rand.NewPCG(seed, 21))
		var b Inbound
		pool := &InputPool{}
		b.Init("test: Init", 1<<20, pool)
		var model []byte // the bytes that are buffered
		var loop [4 << 10]byte
		next, held := byte(0), false
		for range 30 {
			p := loop[:1+r.IntN(1<<(1+r.IntN(12)))]
			for i := range p {
				p[i], next = next, next+1
			}
			model = append(model, p...)
			b.Show(p)
			returned := map[string][]byte{}
			for range r.IntN(6) {
				oneCall(t, r, &b, &model, returned)
			}
			for want, got := range returned {
				if want != string(got) {
					t.Fatalf("seed %d: a slice changed before Settle", seed)
				}
			}
			b.Settle()
			clear(loop[:]) // the loop's buffer is used for something else
			if b.Buffered() != len(model) {
				t.Fatalf("seed %d: %d bytes are buffered, want %d", seed, b.Buffered(), len(model))
			}
			if len(model) == 0 && b.Held() != 0 {
				t.Fatalf("seed %d: an empty Inbound holds %d bytes", seed, b.Held())
			}
			held = held || b.Held() > 0
			if held && len(model) == 0 && pool.kept == 0 {
				t.Fatalf("seed %d: the pool has got nothing back", seed)
			}
			if b.old != nil {
				t.Fatalf("seed %d: after Settle the Inbound has memory that it does not use", seed)
			}
			if n := b.Held(); n > shrinkAbove && n > 8*len(model) {
				t.Fatalf("seed %d: %d bytes are held for %d", seed, n, len(model))
			}
		}
		if p, err := b.Peek(len(model)); err != nil || !bytes.Equal(p, model) {
			t.Fatalf("seed %d: what is left is different: %v", seed, err)
		}
		if pool.kept > poolKeep {
			t.Fatalf("seed %d: the pool keeps %d bytes", seed, pool.kept)
		}
	}
}

// oneCall makes a random call and compares its result with the model.
func oneCall(t *testing.T, r *rand.Rand, b *Inbound, model *[]byte, returned map[string][]byte) {
	t.Helper()
	m := *model
	n := r.IntN(len(m) + 2)
	switch r.IntN(5) {
	case 0, 1:
		call, name := b.Peek, "Peek"
		if r.IntN(2) == 0 {
			call, name = b.Next, "Next"
		}
		p, err := call(n)
		if n > len(m) {
			if p != nil || err != ErrIncomplete {
				t.Fatalf("%s(%d) of %d: %d bytes, %v", name, n, len(m), len(p), err)
			}
			return
		}
		if err != nil || !bytes.Equal(p, m[:n]) || cap(p) != n {
			t.Fatalf("%s(%d) of %d: other bytes, or %v", name, n, len(m), err)
		}
		returned[string(p)] = p
		if name == "Next" {
			*model = m[n:]
		}
	case 2:
		k, err := b.Discard(n)
		if k != min(n, len(m)) || (err == nil) != (n <= len(m)) {
			t.Fatalf("Discard(%d) of %d: %d, %v", n, len(m), k, err)
		}
		*model = m[k:]
	case 3:
		sep := []byte{byte(n), byte(n + 1), byte(n + 2)}[:1+r.IntN(3)]
		from := r.IntN(len(m) + 2)
		want := -1
		if from <= len(m) {
			if want = bytes.Index(m[from:], sep); want >= 0 {
				want += from
			}
		}
		if i := b.Index(sep, from); i != want {
			t.Fatalf("Index(%v, %d) = %d, want %d", sep, from, i, want)
		}
	case 4:
		if r.IntN(4) > 0 { // not often, because nothing is left after it
			return
		}
		p := b.All()
		if !bytes.Equal(p, m) {
			t.Fatalf("All returns %d bytes, and they are not the %d that are buffered", len(p), len(m))
		}
		*model = nil
	}
}

// A message that is completely in view is not copied, even if the message before it began in rest.
func TestOnlyARestIsCopied(t *testing.T) {
	var b Inbound
	b.Init("test: Init", 100, nil)
	p := []byte("abcdefgh")
	b.Show(p)
	if i := b.Index([]byte("xyz"), 0); i != -1 || b.Held() != 0 {
		t.Errorf("Index = %d, and it has copied into %d bytes", i, b.Held())
	}
	if q, _ := b.Next(3); &q[0] != &p[0] {
		t.Error("the first message was copied")
	}
	b.Settle()
	p = []byte("ij0123456789")
	b.Show(p)
	if q, err := b.Next(7); err != nil || string(q) != "defghij" {
		t.Fatalf("%q, %v", q, err)
	}
	if q, err := b.Next(10); err != nil || &q[0] != &p[2] {
		t.Error("a whole message behind a rest was copied", err)
	}
}

// The work grows linearly with the bytes. The input arrives in pieces of one byte, as one message
// that is never complete or as many small ones. Each byte is moved only a few times.
func TestPiecesOfOneByteAreLinear(t *testing.T) {
	const size = 1 << 18
	for _, frame := range []int{1, 100, 70_000, size + 1} {
		var b Inbound
		b.Init("test: Init", size+1, &InputPool{})
		moved, last := 0, 0
		for range size {
			b.Show([]byte{1})
			if b.Buffered() >= frame {
				if _, err := b.Next(frame); err != nil {
					t.Fatal(err)
				}
			}
			b.Settle()
			if b.Held() != last { // its memory grew, shrank or was freed
				moved += b.Buffered()
				last = b.Held()
			}
		}
		if moved > 4*size {
			t.Errorf("messages of %d: %d bytes were moved for %d that came", frame, moved, size)
		}
	}
}

// A negative number is misuse, so the call panics. A number above the limit is an error, whose text
// contains both numbers.
func TestBadNumbers(t *testing.T) {
	var b Inbound
	b.Init("test: Init", 10, nil)
	b.Show(make([]byte, 20))
	if _, err := b.Next(11); !errors.Is(err, ErrInputLimit) || err.Error() != ErrInputLimit.Error()+": Peek(11), and the limit is 10" {
		t.Error(err)
	}
	for name, f := range map[string]func(){
		"Peek(-1)":      func() { _, _ = b.Peek(-1) },
		"Discard(-1)":   func() { _, _ = b.Discard(-1) },
		`Index("", 0)`:  func() { b.Index(nil, 0) },
		`Index("x", -1`: func() { b.Index([]byte("x"), -1) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !bytes.Contains([]byte(v), []byte(name)) {
					t.Errorf("%s: panic %q", name, v)
				}
			}()
			f()
		}()
	}
}

// Race builds overwrite consumed bytes, and the old memory of an Inbound that has grown.
func TestWhatWasConsumedIsPoisoned(t *testing.T) {
	if !Poisons {
		return // other builds do not overwrite bytes
	}
	var b Inbound
	b.Init("test: Init", 1000, nil)
	b.Show([]byte("abc"))
	b.Settle()
	b.Show([]byte("def"))
	p, err := b.Next(4)
	if err != nil || string(p) != "abcd" {
		t.Fatal(string(p), err)
	}
	b.Settle()
	if string(p) == "abcd" {
		t.Error("it is still there")
	}
	b.Show([]byte("gh"))
	b.Settle() // "efgh" is a rest
	if p, err = b.Next(2); err != nil || string(p) != "ef" {
		t.Fatal(string(p), err)
	}
	b.Settle()
	if string(p) == "ef" {
		t.Error("it is still there, before the rest")
	}
	if p, err = b.Next(2); err != nil || string(p) != "gh" {
		t.Error(string(p), err)
	}
}
