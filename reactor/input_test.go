//go:build unix

package reactor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/longtest"
)

// frames appends each complete frame of the Input to got. A frame has a length in two bytes, and a
// body.
func frames(in *Input, got *[]string) {
	for {
		head, err := in.Peek(2)
		if err != nil {
			return
		}
		p, err := in.Next(2 + int(binary.BigEndian.Uint16(head)))
		if err != nil {
			return
		}
		*got = append(*got, string(p[2:]))
	}
}

// Messages are complete in Data, whatever the pieces in which they arrive, with a Filter and
// without. An empty Input holds no memory.
func TestInputGathersMessages(t *testing.T) {
	var wire []byte
	var want []string
	for i := range 25 {
		s := strings.Repeat(string(rune('a'+i%26)), i*i)
		want = append(want, s)
		wire = append(binary.BigEndian.AppendUint16(wire, uint16(len(s))), s...)
	}
	for _, filtered := range []bool{false, true} {
		for _, piece := range []int{1, 2, 7, 1000, len(wire)}[longtest.Count(2, 0, 0):] {
			var opts []ListenOption
			if filtered {
				opts = append(opts, WithFilters(func(bool) (func(*Wire) Filter, error) { return newXor, nil }))
			}
			r := manual(t)
			a, b := pair(t)
			var got []string
			c := adoptFD(t, r, a, &hooks{data: func(c *Conn, _ []byte) { frames(c.Input(), &got) }}, opts...)
			in := c.KeepInput(4 << 10)
			for p := wire; len(p) > 0; {
				k := min(piece, len(p))
				sent := bytes.Clone(p[:k])
				if filtered {
					flip(sent)
				}
				for sent = sent[fill(b, sent):]; ; sent = sent[fill(b, sent):] {
					r.Turn(0)
					if len(sent) == 0 {
						break
					}
				}
				p = p[k:]
			}
			turnUntil(t, r, func() bool { return len(got) >= len(want) })
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("pieces of %d, filter %v: other messages", piece, filtered)
			}
			if in.Buffered() != 0 || in.b.Held() != 0 {
				t.Errorf("pieces of %d: an empty Input has %d bytes, holds %d", piece, in.Buffered(), in.b.Held())
			}
			unix.Close(b)
		}
	}
}

// A message above the limit closes its Conn with ErrInputLimit, whatever the pieces in which it
// arrives. A message of exactly the limit is accepted.
func TestInputHasALimit(t *testing.T) {
	for _, piece := range []int{1, 100, 5000} {
		r := manual(t)
		a, b := pair(t)
		defer unix.Close(b)
		var end error
		most, ended := 0, false
		h := &hooks{closed: func(_ *Conn, err error) { end, ended = err, true }}
		c := adoptFD(t, r, a, h)
		in := c.KeepInput(2000)
		h.data = func(c *Conn, p []byte) {
			if most = max(most, in.b.Held()); in.Buffered() == 2000 {
				if _, err := in.Peek(2000); err != nil {
					t.Error(err)
				}
			}
			if _, err := in.Peek(2001); !errors.Is(err, ErrInputLimit) {
				t.Error(err)
			}
		}
		p := make([]byte, piece)
		for sent := 0; !ended && sent < 100_000; sent += piece {
			fill(b, p)
			r.Turn(0)
		}
		if !errors.Is(end, ErrInputLimit) || most > 4000 {
			t.Errorf("pieces of %d: Closed(%v), and at most %d bytes were held", piece, end, most)
		}
		if in.Buffered() != 0 || in.b.Held() != 0 {
			t.Errorf("a closed Conn has %d bytes of input, holds %d", in.Buffered(), in.b.Held())
		}
	}
}

// A handler that waits for Drained may leave more than the limit. It continues in Drained, and then
// the memory is freed.
func TestInputWaitsForDrained(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	answer := make([]byte, 100_000)
	requests := 0
	var in *Input
	run := func(c *Conn, _ []byte) {
		for c.Buffered() <= 1<<10 {
			if _, err := in.Next(10); err != nil {
				return
			}
			requests++
			if err := c.Send(answer); err != nil {
				t.Error(err)
			}
		}
	}
	c := adoptFD(t, r, a, &hooks{data: run, drained: func(c *Conn) { run(c, nil) }, closed: func(_ *Conn, err error) { t.Error(err) }},
		WithLimits(1<<10, 1<<10, 1<<20))
	in = c.KeepInput(10)
	fill(b, make([]byte, 1000))
	turnUntil(t, r, func() bool { return c.Buffered() > 0 })
	if in.Buffered() <= in.Limit() {
		t.Fatalf("only %d bytes wait", in.Buffered())
	}
	got := make([]byte, 64<<10)
	turnUntil(t, r, func() bool {
		for n := 1; n > 0; {
			n, _ = unix.Read(b, got)
		}
		return requests == 100 && c.Buffered() == 0
	})
	if in.Buffered() != 0 || in.b.Held() != 0 {
		t.Errorf("it has %d bytes, holds %d", in.Buffered(), in.b.Held())
	}
	c.handler.(*hooks).closed = nil
}

// Race builds overwrite the bytes of Data when Data returns. Bytes that other callbacks have
// consumed are overwritten at the end of the step.
func TestInputIsPoisoned(t *testing.T) {
	if !desc.Poisons {
		return // other builds do not overwrite bytes
	}
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	var kept []byte
	var in *Input
	c := adoptFD(t, r, a, &hooks{data: func(_ *Conn, p []byte) { kept, _ = in.Next(2) }})
	in = c.KeepInput(100)
	fill(b, []byte("abcdef"))
	turnUntil(t, r, func() bool { return kept != nil })
	if string(kept) == "ab" {
		t.Error("after Data it is still there")
	}
	r.call(func() {
		kept, _ = in.Next(2)
		if string(kept) != "cd" {
			t.Errorf("the next two bytes are %q", kept)
		}
	})
	if string(kept) == "cd" {
		t.Error("after a callback it is still there")
	}
}

// A handler may end its Conn between two calls of the Input. After that the Input is empty.
func TestInputOfAClosedConn(t *testing.T) {
	for name, end := range map[string]func(c *Conn){
		"Abort": func(c *Conn) { c.Abort() },
		"Close": func(c *Conn) { c.Close() },
		"Detach": func(c *Conn) {
			fd, _, err := c.Detach()
			if err != nil {
				t.Error(err)
			}
			unix.Close(fd)
		},
	} {
		r := manual(t)
		a, b := pair(t)
		done := false
		var in *Input
		c := adoptFD(t, r, a, &hooks{data: func(c *Conn, _ []byte) {
			p, err := in.Next(1)
			end(c)
			if _, again := in.Next(1); err != nil || string(p) != "a" || name != "Close" && again != ErrIncomplete {
				t.Errorf("%s: %q, %v, then %v", name, p, err, again)
			}
			done = true
		}})
		in = c.KeepInput(100)
		fill(b, []byte("abcdef"))
		turnUntil(t, r, func() bool { return done })
		unix.Close(b)
		turnUntil(t, r, func() bool { return c.is(released) })
		if in.Buffered() != 0 || in.b.Held() != 0 {
			t.Errorf("%s: %d bytes are left", name, in.Buffered())
		}
	}
}

// The limit of KeepInput may be from 1 to 1<<30. A second call changes only the limit.
func TestKeepInputTakesItsRange(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	c := adoptFD(t, r, a, &hooks{})
	if c.Input() != nil {
		t.Error("an Input without KeepInput")
	}
	if in := c.KeepInput(1); c.KeepInput(desc.MaxInput) != in || c.Input() != in || in.Limit() != desc.MaxInput {
		t.Error("another Input, or another limit:", in.Limit())
	}
	for _, n := range []int{-1, 0, desc.MaxInput + 1} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, fmt.Sprintf("KeepInput(%d): must be 1 … ", n)) {
					t.Error(v)
				}
			}()
			c.KeepInput(n)
		}()
	}
}

// A message that arrives in one piece is read without an allocation. A message in two pieces is
// too, because the loop keeps memory for it.
func TestInputDoesNotAllocate(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	t.Cleanup(func() { unix.Close(b) })
	var in *Input
	got := 0
	c := adoptFD(t, r, a, &hooks{data: func(c *Conn, _ []byte) {
		for {
			if _, err := in.Next(100); err != nil {
				return
			}
			got++
		}
	}})
	in = c.KeepInput(100)
	msg := make([]byte, 1000)
	noAllocs(t, "ten messages", func() { fill(b, msg); r.Turn(0) })
	noAllocs(t, "a message in two pieces", func() {
		fill(b, msg[:60])
		r.Turn(0)
		fill(b, msg[60:100])
		r.Turn(0)
	})
	if got == 0 && longtest.Measures(t) {
		t.Error("nothing was read")
	}
}
