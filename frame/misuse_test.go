package frame

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// Impossible arguments of a Format panic with the value and its range.
func TestMisuseOfFormats(t *testing.T) {
	for text, f := range map[string]func(){
		"frame: Length of 0 bytes: must be 1 … 8":                     func() { Length(0, binary.BigEndian, 1) },
		"frame: Length of 9 bytes: must be 1 … 8":                     func() { Length(9, binary.BigEndian, 1) },
		"frame: Length with a nil byte order":                         func() { Length(1, nil, 1) },
		"frame: Length(2, _, 65536): must be 1 … 65535":               func() { Length(2, binary.LittleEndian, 1<<16) },
		"frame: Length of 0 bytes: must be 1 … 1073741760":            func() { Length(4, binary.BigEndian, 0) },
		"frame: Varint of -1 bytes: must be 1 … 1073741760":           func() { Varint(-1) },
		"frame: Lines of 1073741761 bytes: must be 1 … 1073741760":    func() { Lines(MaxPayload + 1) },
		"frame: Fixed of 0 bytes: must be 1 … 1073741760":             func() { Fixed(0) },
		`frame: Delimiter(""): must have 1 … 64 bytes`:                func() { Delimiter("", 1) },
		`frame: Delimiter("` + strings.Repeat("x", 65) + `"): must`:   func() { Delimiter(strings.Repeat("x", 65), 1) },
		"frame: Delimiter of 0 bytes: must be 1 … 1073741760":         func() { Delimiter(",", 0) },
		"frame: AppendHead for -1 bytes: must be 0 or more":           func() { _, _ = Lines(1).AppendHead(nil, -1) },
		"frame: Next of a Reader without a Format: use Format.Reader": func() { _, _ = new(Reader).Next(newStream(1)) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.HasPrefix(v, text) {
					t.Errorf("%q, want %q", v, text)
				}
			}()
			f()
		}()
	}
}

// MaxSize is the size of the largest frame that a peer may send, with a CRLF or the longest varint.
func TestMaxSize(t *testing.T) {
	for name, f := range formats(100) {
		p := []byte(strings.Repeat("x", f.max))
		wire, err := f.Append(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		want := len(wire)
		switch f.kind {
		case lines:
			want++ // with CRLF
		case varint:
			want += binary.MaxVarintLen64 - 1 // a peer may write a longer varint than necessary
		}
		if f.MaxSize() != want {
			t.Errorf("%s: MaxSize is %d, want %d", name, f.MaxSize(), want)
		}
	}
}
