package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A Source holds the input of a stream. It is a *reactor.Input or a *socket.Input. If bytes are
// missing, the calls of a *reactor.Input return reactor.ErrIncomplete, and the calls of a
// *socket.Input wait.
type Source interface {
	Peek(n int) ([]byte, error)
	Next(n int) ([]byte, error)
	Buffered() int
	Index(sep []byte, from int) int
}

// A Reader reads the frames of one stream. Its zero value is not usable: see Format.Reader.
type Reader struct {
	f    *Format
	seen int // how many bytes were searched without a delimiter
}

// Reader returns a Reader for one stream. Use it for the whole stream, because it stores how far an
// incomplete frame was searched.
func (f *Format) Reader() Reader { return Reader{f: f} }

// Next returns the payload of the next frame and consumes the frame. The payload is valid as long
// as slices of the Source are valid. To keep it longer, copy it.
//
// With a *reactor.Input, Next returns reactor.ErrIncomplete until the whole frame has arrived. The
// handler then returns, and calls Next again in the next Data. With a *socket.Input, Next waits. At
// the end of the stream it returns io.EOF, or io.ErrUnexpectedEOF in the middle of a frame.
//
// Next returns ErrTooLarge as soon as it knows that the frame is too large, and ErrVarint for a
// length that cannot be read. Such a stream has no further frames. If Next returns an error, it has
// consumed nothing.
func (r *Reader) Next(in Source) ([]byte, error) {
	f := r.f
	if f == nil {
		panic("frame: Next of a Reader without a Format: use Format.Reader")
	}
	switch f.kind {
	case fixed:
		return in.Next(f.max)
	case lengthBig, lengthLittle:
		head, err := in.Peek(f.head)
		if err != nil {
			return nil, err
		}
		return r.counted(in, f.head, f.decode(head))
	case varint:
		return r.varint(in)
	}
	return r.delimited(in)
}

// decode returns the length that p encodes.
func (f *Format) decode(p []byte) (n uint64) {
	for i := range p {
		if f.kind == lengthBig {
			n = n<<8 | uint64(p[i])
		} else {
			n |= uint64(p[i]) << (8 * i)
		}
	}
	return n
}

// counted returns the payload of n bytes after a length of `head` bytes.
func (r *Reader) counted(in Source, head int, n uint64) ([]byte, error) {
	if n > uint64(r.f.max) {
		return nil, r.f.tooLarge(n)
	}
	p, err := in.Next(head + int(n))
	if err != nil {
		return nil, err
	}
	return p[head:], nil
}

func (r *Reader) varint(in Source) ([]byte, error) {
	for i := 1; i <= binary.MaxVarintLen64; i++ {
		head, err := in.Peek(i)
		if err != nil {
			return nil, err
		}
		if head[i-1] < 0x80 {
			n, k := binary.Uvarint(head)
			if k != i {
				break
			}
			return r.counted(in, i, n)
		}
	}
	return nil, ErrVarint
}

// delimited returns the payload before a delimiter.
func (r *Reader) delimited(in Source) ([]byte, error) {
	f := r.f
	for {
		n := in.Buffered()
		i := in.Index(f.tail, r.seen)
		if i < 0 && n < f.MaxSize() {
			r.seen = max(0, n-len(f.tail)+1)
			if _, err := in.Peek(n + 1); err != nil {
				return nil, err
			}
			continue
		}
		if i < 0 || i > f.MaxSize()-len(f.tail) {
			return nil, fmt.Errorf("%w: no end in %d bytes, and the limit is %d", ErrTooLarge, n, f.max)
		}
		p, err := in.Peek(i + len(f.tail))
		if err != nil {
			return nil, err
		}
		p = p[:i:i]
		if f.kind == lines {
			if p = bytes.TrimSuffix(p, []byte{'\r'}); len(p) > f.max {
				return nil, f.tooLarge(uint64(len(p)))
			}
		}
		r.seen = 0
		_, err = in.Next(i + len(f.tail))
		return p, err
	}
}
