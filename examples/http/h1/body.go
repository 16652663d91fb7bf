package h1

import (
	"bytes"
	"strconv"

	"github.com/ureactor/ureactor/reactor"
)

const (
	maxChunkLine = 256     // bytes of a trailer field, or of a chunk's size with its extensions
	maxTrailers  = 4 << 10 // bytes of all trailer fields
)

// A body is the body of one request, of a known length or in chunks (RFC 9112, 7.1).
type body struct {
	left     int64 // missing bytes of the body or of the current chunk
	total    int64 // bytes of all chunks so far, including the lines with their sizes
	trailers int   // bytes of trailer fields so far
	seen     int   // how many bytes of an incomplete line were already searched
	state    bodyState
}

type bodyState uint8

const (
	bodyEnded bodyState = iota
	counted             // `left` bytes follow, and then the end
	chunkSize           // the line with a chunk's size
	chunkData           // `left` bytes follow
	chunkEnd            // the CRLF after a chunk follows
	trailer             // lines follow, up to an empty one
)

func newBody(r *request) (b body) {
	switch {
	case r.chunked:
		b.state = chunkSize
	case r.body > 0:
		b.state, b.left = counted, r.body
	}
	return b
}

// next returns the next piece of the body and consumes it. An empty piece means that more has not
// arrived, or that the body has ended: see b.state.
func (b *body) next(in *reactor.Input) (piece []byte, no refusal) {
	for {
		switch b.state {
		case bodyEnded:
			return nil, ""
		case counted, chunkData:
			n := min(b.left, int64(in.Buffered()), maxHead)
			if n == 0 {
				return nil, ""
			}
			piece, _ = in.Next(int(n)) // cannot fail: n bytes are there, and n is within the limit
			if b.left -= n; b.left == 0 && b.state == counted {
				b.state = bodyEnded
			} else if b.left == 0 {
				b.state = chunkEnd
			}
			return piece, ""
		default:
			line, found, no := b.line(in)
			if no != "" || !found {
				return nil, no
			}
			if no = b.control(line); no != "" {
				return nil, no
			}
		}
	}
}

// line returns the next line without its CRLF and consumes the line.
func (b *body) line(in *reactor.Input) (line []byte, found bool, no refusal) {
	end := in.Index(crlf[1:], b.seen)
	switch {
	case end > maxChunkLine || end < 0 && in.Buffered() > maxChunkLine:
		return nil, false, badRequest
	case end < 0:
		b.seen = in.Buffered()
		return nil, false, ""
	}
	b.seen = 0
	if line, _ = in.Next(end + 1); end == 0 || line[end-1] != '\r' {
		return nil, false, badRequest // a bare LF
	}
	return line[:end-1], true, ""
}

// control handles a line that is not data.
func (b *body) control(line []byte) refusal {
	switch b.state {
	case chunkSize:
		n := 0
		for n < len(line) && classes[line[n]]&isHex != 0 {
			n++
		}
		size, err := strconv.ParseUint(string(line[:n]), 16, 62)
		rest := line[n:]
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			rest = rest[1:]
		}
		switch {
		case n == 0 || !all(rest, isText) || len(rest) > 0 && rest[0] != ';' || len(rest) == 0 && n < len(line):
			return badRequest
		case err != nil || b.total+int64(len(line))+int64(size) > maxBody:
			return bodyLarge
		}
		b.total += int64(len(line)) + int64(size)
		if b.left, b.state = int64(size), chunkData; size == 0 {
			b.state = trailer
		}
	case chunkEnd:
		if len(line) > 0 {
			return badRequest
		}
		b.state = chunkSize
	case trailer:
		if len(line) == 0 {
			b.state = bodyEnded
			return ""
		}
		if b.trailers += len(line); b.trailers > maxTrailers {
			return headLarge
		}
		return checkField(line)
	}
	return ""
}

// checkField checks the syntax of a trailer field. The server ignores the field itself.
func checkField(line []byte) refusal {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !all(line[:colon], isToken) || !all(line[colon+1:], isText) {
		return badRequest
	}
	return ""
}
