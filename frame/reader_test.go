package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/longtest"
)

// A stream is a Source that gets its input in pieces, and counts the work for it.
type stream struct {
	desc.Inbound
	work int // number of searched bytes and of calls
}

func newStream(limit int) *stream {
	s := &stream{}
	s.Init("test", limit, nil)
	return s
}

func (s *stream) Peek(n int) ([]byte, error) { s.work++; return s.Inbound.Peek(n) }
func (s *stream) Next(n int) ([]byte, error) { s.work++; return s.Inbound.Next(n) }

func (s *stream) Index(sep []byte, from int) int {
	i := s.Inbound.Index(sep, from)
	if s.work++; i < 0 {
		s.work += s.Buffered() - from
	} else {
		s.work += i - from
	}
	return i
}

// read passes data in pieces, as a loop would. It returns the frames up to the first error that is
// not ErrIncomplete.
func read(f *Format, data []byte, piece func() int) (got []string, s *stream, err error) {
	s = newStream(f.MaxSize())
	r := f.Reader()
	for len(data) > 0 {
		k := min(max(piece(), 1), len(data))
		p := bytes.Clone(data[:k])
		data = data[k:]
		s.Show(p)
		for {
			frame, err := r.Next(s)
			if err == desc.ErrIncomplete {
				break
			}
			if err != nil {
				return got, s, err
			}
			got = append(got, string(frame))
		}
		s.Settle()
		clear(p)
	}
	return got, s, nil
}

// formats returns at least one Format of each kind.
func formats(most int) map[string]*Format {
	all := map[string]*Format{"varint": Varint(most), "lines": Lines(most), "comma": Delimiter(",", most),
		"CRLF": Delimiter("\r\n", most), "aab": Delimiter("aab", most), "fixed": Fixed(most)}
	for n := 1; n <= 8; n++ {
		all[fmt.Sprint("big ", n)] = Length(n, binary.BigEndian, min(most, 255))
		all[fmt.Sprint("little ", n)] = Length(n, binary.LittleEndian, min(most, 255))
	}
	return all
}

// A Reader returns the payloads that Append has written, in each Format and in whatever pieces they
// arrive. Append returns an error for a payload that the Format cannot express.
func TestFramesComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 21))
	for name, f := range formats(100) {
		for range longtest.Count(5, 25, 1000) {
			var wire []byte
			var want []string
			for range 20 {
				p := make([]byte, rng.IntN(102))
				for i := range p {
					p[i] = "ab,\r\n\x00\xff"[rng.IntN(7)]
				}
				if f.kind == fixed {
					p = p[:min(len(p), 100)]
					p = append(p, make([]byte, 100-len(p))...)
				}
				b, err := f.Append(wire, p)
				if err != nil {
					if len(b) != len(wire) || len(p) <= 100 && !errors.Is(err, ErrPayload) || len(p) > f.max && !errors.Is(err, ErrTooLarge) {
						t.Fatalf("%s: Append(%q): %d bytes more, %v", name, p, len(b)-len(wire), err)
					}
					continue
				}
				wire, want = b, append(want, string(p))
			}
			for _, most := range []int{1, 3, 50, 5000} {
				got, s, err := read(f, wire, func() int { return 1 + rng.IntN(most) })
				if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || s.Buffered() != 0 {
					t.Fatalf("%s, pieces of up to %d: %q, want %q; %v, %d bytes are left", name, most, got, want, err, s.Buffered())
				}
			}
		}
	}
}

// reference reads the frames of data with bufio and package binary. It returns the first error.
func reference(f *Format, data []byte) (got []string, err error) {
	in := bufioReader(data)
	for {
		p, err := one(f, in)
		if err != nil {
			return got, err
		}
		got = append(got, string(p))
	}
}

// FuzzReader compares a Reader with an implementation on bufio: both return the same frames, and
// end in the same way.
func FuzzReader(f *testing.F) {
	names := []string{}
	all := formats(20)
	for name := range all {
		names = append(names, name)
	}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		data := make([]byte, 10+rng.IntN(200))
		for i := range data {
			data[i] = "\x00\x01\x02\x05\x80aab,\r\n\n"[rng.IntN(12)]
		}
		f.Add(data, seed)
	}
	f.Add([]byte(strings.Repeat("\xff", 12)), uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		for _, name := range names {
			rng := rand.New(rand.NewPCG(seed, 8))
			want, end := reference(all[name], data)
			got, s, err := read(all[name], data, func() int { return rng.IntN(10) })
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Fatalf("%s of %q: %q, want %q", name, data, got, want)
			}
			switch {
			case end == io.EOF && (err != nil || s.Buffered() != 0):
				t.Fatalf("%s of %q: %v, %d bytes are left; want none", name, data, err, s.Buffered())
			case end == io.ErrUnexpectedEOF && (err != nil || s.Buffered() == 0):
				t.Fatalf("%s of %q: %v, %d bytes are left; want some", name, data, err, s.Buffered())
			case end != io.EOF && end != io.ErrUnexpectedEOF && !errors.Is(err, end):
				t.Fatalf("%s of %q: %v, want %v", name, data, err, end)
			}
		}
	})
}

// The work is linear in the number of bytes, in pieces of any size. The frames have all sizes, and
// the last one is incomplete.
func TestWorkIsLinear(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	const size = 80_000
	for name, f := range map[string]*Format{"length": Length(4, binary.BigEndian, size), "varint": Varint(size),
		"lines": Lines(size), "delimiter": Delimiter("\r\n\r\n", size), "fixed": Fixed(1000)} {
		for _, payload := range []int{1, 1000, size - 10} {
			if f.kind == fixed {
				payload = 1000
			}
			var wire []byte
			for len(wire) < size {
				wire, _ = f.Append(wire, bytes.Repeat([]byte("\r"), payload-1))
				if f.kind == lines || f.kind == fixed {
					wire, _ = f.Append(wire, bytes.Repeat([]byte("x"), payload))
				}
			}
			for _, piece := range []int{1, 10, 1000, len(wire)} {
				_, s, err := read(f, wire[:len(wire)-1], func() int { return piece })
				if err != nil {
					t.Fatal(err)
				}
				if s.work > 12*len(wire) {
					t.Errorf("%s of %d, pieces of %d: work %d for %d bytes", name, payload, piece, s.work, len(wire))
				}
			}
		}
	}
}

// A frame that is too large is refused as soon as its size is known, in whatever pieces it arrives.
// A frame of the maximum size is accepted.
func TestTooLarge(t *testing.T) {
	for name, f := range formats(100) {
		if f.kind == fixed {
			continue
		}
		fits, err := f.Append(nil, bytes.Repeat([]byte("x"), 100))
		if err != nil {
			t.Fatal(err)
		}
		above := append(bytes.Repeat([]byte("x"), 101), f.tail...)
		if f.head > 0 {
			big := *f
			big.max++
			above, _ = big.AppendHead(nil, 101) // the head alone must cause the error
		}
		for piece := 1; piece < 300; piece += 33 {
			got, s, err := read(f, append(bytes.Clone(fits), above...), func() int { return piece })
			if len(got) != 1 || !errors.Is(err, ErrTooLarge) || s.Held() > 4*f.MaxSize()+256 {
				t.Errorf("%s, pieces of %d: %d frames, %v, %d bytes are held", name, piece, len(got), err, s.Held())
			}
		}
	}
	for _, data := range []string{strings.Repeat("x", 101) + "\r\n", strings.Repeat("x", 100) + "\r\r\n", strings.Repeat("x", 200)} {
		if _, _, err := read(Lines(100), []byte(data), func() int { return 7 }); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%q: %v", data, err)
		}
	}
	_, _, err := read(Lines(100), bytes.Repeat([]byte("x"), 200), func() int { return 200 })
	if want := "frame: the frame is too large: no end in 200 bytes, and the limit is 100"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got, _, err := read(Lines(100), []byte(strings.Repeat("x", 100)+"\r\n"), func() int { return 7 }); len(got) != 1 || err != nil {
		t.Errorf("a line of the greatest size with CRLF: %d frames, %v", len(got), err)
	}
}

// Reading a frame that arrives whole allocates nothing, and writing a frame allocates nothing.
func TestAWholeFrameDoesNotAllocate(t *testing.T) {
	for name, f := range formats(100) {
		payload := bytes.Repeat([]byte("x"), 100)
		var wire []byte
		for range 10 {
			wire, _ = f.Append(wire, payload)
		}
		var s desc.Inbound
		s.Init("test", f.MaxSize(), nil)
		r := f.Reader()
		room := make([]byte, 0, f.MaxSize())
		n := 0
		allocs := testing.AllocsPerRun(100, func() {
			s.Show(wire)
			for {
				if _, err := r.Next(&s); err != nil {
					break
				}
				n++
			}
			s.Settle()
			if _, err := f.Append(room, payload); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 || n != 1010 {
			t.Errorf("%s: %v allocations for ten frames; %d were read", name, allocs, n)
		}
	}
}
