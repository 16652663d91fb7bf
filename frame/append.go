package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Append appends the frame of a payload to dst. It returns ErrTooLarge if the payload is larger
// than the Format permits. It returns ErrPayload if a Reader could not read the payload back.
func (f *Format) Append(dst, payload []byte) ([]byte, error) {
	b, err := f.AppendHead(dst, len(payload))
	if err != nil {
		return dst, err
	}
	start := len(b)
	b = append(append(b, payload...), f.tail...)
	if len(f.tail) > 0 && bytes.Index(b[start:], f.tail) != len(payload) {
		return dst, fmt.Errorf("%w: it has the delimiter %q", ErrPayload, f.tail)
	}
	if f.kind == lines && bytes.HasSuffix(payload, []byte{'\r'}) {
		return dst, fmt.Errorf("%w: it ends with a CR, which would be part of the line's end", ErrPayload)
	}
	return b, nil
}

// AppendHead appends to dst the bytes that come before a payload of n bytes. For a large payload
// this saves the copy that Append makes: send the head, the payload and Tail together, for example
// with reactor.Conn.SendV. AppendHead cannot check the payload for delimiters.
func (f *Format) AppendHead(dst []byte, n int) ([]byte, error) {
	switch {
	case n < 0:
		panic(fmt.Sprintf("frame: AppendHead for %d bytes: must be 0 or more", n))
	case n > f.max:
		return dst, f.tooLarge(uint64(n))
	case f.kind == fixed && n < f.max:
		return dst, fmt.Errorf("%w: it has %d bytes, and the size is %d", ErrPayload, n, f.max)
	case f.kind == varint:
		return binary.AppendUvarint(dst, uint64(n)), nil
	}
	for i := range f.head {
		shift := 8 * i
		if f.kind == lengthBig {
			shift = 8 * (f.head - 1 - i)
		}
		dst = append(dst, byte(n>>shift))
	}
	return dst, nil
}

// Tail returns the bytes after each payload: the delimiter, the end of a line, or nothing. The
// caller must not change them.
func (f *Format) Tail() []byte { return f.tail }
