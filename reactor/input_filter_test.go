//go:build unix

package reactor

import (
	"bytes"
	"strings"
	"testing"
)

// An xor Filter changes every byte.
type xor struct{ w *Wire }

func newXor(w *Wire) Filter { return &xor{w} }

func flip(p []byte) {
	for i := range p {
		p[i] ^= 0x55
	}
}

func (f *xor) Open()      { f.w.Ready() }
func (f *xor) Finish()    {}
func (f *xor) Closed()    {}
func (f *xor) EOF()       { f.w.EOF() }
func (f *xor) More() bool { return false }
func (f *xor) Output(p []byte) error {
	p = bytes.Clone(p)
	flip(p)
	f.w.Send(p)
	return nil
}
func (f *xor) Input(p []byte) {
	for len(p) > 0 { // several calls of Deliver in one step, as TLS makes with its records
		room := f.w.Scratch()
		k := copy(room[:100], p)
		flip(room[:k])
		f.w.Deliver(room[:k])
		p = p[k:]
	}
}

// A fourfold Filter delivers every byte four times.
type fourfold struct{ xor }

func (f *fourfold) Input(p []byte) {
	for i := range p {
		f.w.Deliver(bytes.Repeat(p[i:i+1], 4))
	}
}

// The slices of an Input are valid until Data returns. This holds even if Data starts a Filter, and
// the Filter delivers more bytes than it has got.
func TestInputOfAFilterThatDataStarts(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	twice(t, func(t *lab) {
		got, command := "", ""
		partial, started, returned := false, false, false
		h := &hooks{data: func(c *Conn, _ []byte) {
			in := c.Input()
			if started {
				p, err := in.Peek(in.Buffered())
				if err != nil {
					t.Error(err)
				}
				got = string(p)
				return
			}
			if in.Buffered() <= len(letters) {
				partial = true
				return
			}
			first, _ := in.Next(1)
			rest, _ := in.Next(len(letters))
			started = true
			if err := c.StartFilter(rest, func(w *Wire) Filter { return &fourfold{xor{w}} }); err != nil {
				t.Error(err)
			}
			command, returned = string(first), true
		}}
		peer := t.dial(t.listen("tcp", func(c *Conn) Handler { c.KeepInput(200); return h }))
		peer.write([]byte("!" + letters[:3]))
		t.until(func() bool { return partial }) // the Input has memory of its own
		peer.write([]byte(letters[3:]))
		t.until(func() bool { return returned })
		want := ""
		for _, b := range letters {
			want += strings.Repeat(string(b), 4)
		}
		if got != want || command != "!" {
			t.Errorf("%q after %q, want %q after \"!\"", got, command, want)
		}
		peer.close()
	})
}
