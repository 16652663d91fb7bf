package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrTooLarge is returned for a frame that is larger than its Format permits. The rest of the
	// stream cannot be read.
	ErrTooLarge = errors.New("frame: the frame is too large")
	// ErrVarint is returned for a varint length that needs more than 64 bits.
	ErrVarint = errors.New("frame: the length is no varint of 64 bits")
	// ErrPayload is returned for a payload that its Format cannot express, because it contains the
	// delimiter or has another size than the fixed one.
	ErrPayload = errors.New("frame: the payload does not fit the format")
)

// MaxPayload is the largest payload in bytes that a Format may permit.
const MaxPayload = 1<<30 - 64

type kind uint8

const (
	fixed kind = iota
	lengthBig
	lengthLittle
	varint
	delimiter
	lines
)

// A Format defines where frames begin and end. It does not change, so any number of connections and
// goroutines may share one.
type Format struct {
	kind kind
	max  int    // the largest payload in bytes; for Fixed, the size
	head int    // the maximum size of the length in bytes
	tail []byte // the bytes after the payload
}

// Length returns the Format of frames that begin with the length of their payload. The length has
// `bytes` bytes, 1 … 8. order is a byte order of package encoding/binary. max is the largest
// payload in bytes, 1 … MaxPayload.
func Length(bytes int, order binary.ByteOrder, max int) *Format {
	if bytes < 1 || bytes > 8 {
		panic(fmt.Sprintf("frame: Length of %d bytes: must be 1 … 8", bytes))
	}
	if order == nil {
		panic("frame: Length with a nil byte order: use binary.BigEndian or binary.LittleEndian")
	}
	check("Length", max)
	if bytes < 8 && max >= 1<<(8*bytes) {
		panic(fmt.Sprintf("frame: Length(%d, _, %d): must be 1 … %d: a length of %d bytes says no more", bytes, max, 1<<(8*bytes)-1, bytes))
	}
	f := &Format{kind: lengthLittle, max: max, head: bytes}
	if order.Uint16([]byte{0, 1}) == 1 {
		f.kind = lengthBig
	}
	return f
}

// Varint returns the Format of frames that begin with the length of their payload as a varint, as
// binary.AppendUvarint and Protocol Buffers write it. max is the largest payload in bytes, 1 …
// MaxPayload.
func Varint(max int) *Format {
	check("Varint", max)
	return &Format{kind: varint, max: max, head: binary.MaxVarintLen64}
}

// Delimiter returns the Format of frames that end with sep, which has 1 … 64 bytes. max is the
// largest payload in bytes, without sep.
func Delimiter(sep string, max int) *Format {
	if len(sep) < 1 || len(sep) > 64 {
		panic(fmt.Sprintf("frame: Delimiter(%.100q): must have 1 … 64 bytes, and has %d", sep, len(sep)))
	}
	check("Delimiter", max)
	return &Format{kind: delimiter, max: max, tail: []byte(sep)}
}

// Lines returns the Format of lines. A Reader accepts LF and CRLF as the end of a line, and Append
// writes LF. max is the longest line in bytes, without its end. If only CRLF ends a line, use
// Delimiter("\r\n", max).
func Lines(max int) *Format {
	check("Lines", max)
	return &Format{kind: lines, max: max, tail: []byte("\n")}
}

// Fixed returns the Format of frames that all have size bytes, 1 … MaxPayload.
func Fixed(size int) *Format {
	check("Fixed", size)
	return &Format{kind: fixed, max: size}
}

func check(name string, n int) {
	if n < 1 || n > MaxPayload {
		panic(fmt.Sprintf("frame: %s of %d bytes: must be 1 … %d", name, n, MaxPayload))
	}
}

// MaxSize returns the size of the largest frame in bytes, with its length or its end. It is the
// limit for reactor.Conn.KeepInput or socket.NewInput.
func (f *Format) MaxSize() int {
	n := f.head + f.max + len(f.tail)
	if f.kind == lines {
		n++ // room for a CR
	}
	return n
}

// tooLarge returns the error for a payload of n bytes.
func (f *Format) tooLarge(n uint64) error {
	return fmt.Errorf("%w: %d bytes, and the limit is %d", ErrTooLarge, n, f.max)
}
