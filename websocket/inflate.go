package websocket

import (
	"compress/flate"
	"io"
	"sync"
	"unicode/utf8"
)

// windowSize is the maximum distance in bytes of a reference in DEFLATE.
const windowSize = 32 << 10

// An inflater is a decompressor. It is used for one message at a time.
type inflater struct {
	r   io.ReadCloser // it is also a flate.Resetter
	src source
}

var inflaters = sync.Pool{New: func() any {
	in := &inflater{}
	in.r = flate.NewReader(&in.src)
	return in
}}

// A source is a compressed message. After it, a source returns the bytes that the sender has
// removed (RFC 7692, 7.2.2), and an empty block that ends the stream.
type source struct {
	p    []byte
	tail string
}

const (
	flushed = "\x00\x00\xff\xff"
	lastly  = flushed + "\x01\x00\x00\xff\xff"
)

func (s *source) ReadByte() (byte, error) {
	if len(s.p) > 0 {
		b := s.p[0]
		s.p = s.p[1:]
		return b, nil
	}
	if len(s.tail) > 0 {
		b := s.tail[0]
		s.tail = s.tail[1:]
		return b, nil
	}
	return 0, io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	n := copy(p, s.p)
	s.p = s.p[n:]
	k := copy(p[n:], s.tail)
	s.tail = s.tail[k:]
	if n+k == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n + k, nil
}

// maxEnds is how many blocks of one message may be marked as the last block of the stream. After
// each such block the decompressor starts anew, which costs as much work as a whole window.
const maxEnds = 16

// inflate decompresses a message. The result is in the decoder's partial. src may be in the partial
// too.
func (d *decoder) inflate(op opcode, src []byte) ([]byte, *CloseError) {
	part, room := d.ensure(), partials.Get().(*partial)
	in := inflaters.Get().(*inflater)
	out, bad := in.message(room.msg[:0], src, d.z.window, d.set.maxMessage)
	in.src = source{}
	inflaters.Put(in)
	part.msg, room.msg = out, part.msg[:0]
	part.returned = true
	if cap(room.msg) <= keepsAtMost {
		partials.Put(room)
	}
	switch {
	case bad != nil:
		return nil, bad
	case op == opText && !utf8.Valid(out):
		return nil, notText()
	case d.z.receives:
		d.z.window = lastWindow(d.z.window, out)
	}
	return out, nil
}

// message decompresses a message and appends it to out. It reads only up to the limit.
func (in *inflater) message(out, src, window []byte, limit int) ([]byte, *CloseError) {
	in.src = source{src, lastly}
	reset := in.r.(flate.Resetter)
	if reset.Reset(&in.src, window) != nil {
		panic("websocket: flate.Reset returns no error")
	}
	for ends := 0; ; {
		if len(out) == cap(out) {
			size := min(max(2*len(out), 1<<10), limit+1)
			out = append(make([]byte, 0, size), out...)
		}
		n, err := in.r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return out, violation(TooBig, "a message above the limit, decompressed")
		case err == nil:
		case err != io.EOF:
			return out, violation(InvalidData, "a message that cannot be decompressed")
		case len(in.src.p)+len(in.src.tail) == 0:
			return out, nil
		default: // a block has ended the stream in the middle of the message (RFC 7692, 7.2.3.4)
			if ends++; ends > maxEnds {
				return out, violation(PolicyViolation, "a compressed message that ends too often")
			}
			_ = reset.Reset(&in.src, lastWindow(window[:len(window):len(window)], out))
		}
	}
}

// lastWindow returns the last windowSize bytes of window followed by p. It may use the memory of
// window.
func lastWindow(window, p []byte) []byte {
	if len(p) >= windowSize {
		return append(window[:0], p[len(p)-windowSize:]...)
	}
	if over := len(window) + len(p) - windowSize; over > 0 {
		window = window[:copy(window, window[over:])]
	}
	return append(window, p...)
}
