package frame

import (
	"encoding/binary"
	"strings"
	"testing"
)

// Append writes the bytes that the doc comment of the Format describes, and a Reader reads them.
func TestFramesOnTheWire(t *testing.T) {
	long := strings.Repeat("x", 300)
	sep := strings.Repeat("-", 64)
	for _, c := range []struct {
		f             *Format
		payload, wire string
	}{
		{Length(1, binary.BigEndian, 9), "abc", "\x03abc"},
		{Length(2, binary.BigEndian, 500), long, "\x01\x2c" + long},
		{Length(2, binary.LittleEndian, 500), long, "\x2c\x01" + long},
		{Length(3, binary.BigEndian, 500), long, "\x00\x01\x2c" + long},
		{Length(8, binary.LittleEndian, 500), long, "\x2c\x01\x00\x00\x00\x00\x00\x00" + long},
		{Varint(500), "abc", "\x03abc"},
		{Varint(500), long[:128], "\x80\x01" + long[:128]},
		{Varint(500), long, "\xac\x02" + long},
		{Delimiter(sep, 500), "abc", "abc" + sep},
		{Lines(500), "abc", "abc\n"},
		{Fixed(3), "abc", "abc"},
	} {
		if wire, err := c.f.Append(nil, []byte(c.payload)); err != nil || string(wire) != c.wire {
			t.Errorf("%+v: %q, %v; want %q", c.f, wire, err, c.wire)
		}
		got, s, err := read(c.f, []byte(c.wire), func() int { return 1 })
		if err != nil || len(got) != 1 || got[0] != c.payload || s.Buffered() != 0 {
			t.Errorf("%+v: %q, %v; want %q", c.f, got, err, c.payload)
		}
	}
}
