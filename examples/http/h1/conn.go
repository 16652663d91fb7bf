package h1

import (
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// enough is how much output may be buffered before further requests have to wait. It equals the
// high-water mark, because Drained is called only after more than the high-water mark was buffered.
const enough = 256 << 10

// Limits is the option to pass to Listen. The handlers rely on it.
var Limits = reactor.WithLimits(64<<10, enough, 4<<20)

// Accept returns the Handler of a new connection. It is the function to pass to Listen.
func (s *Site) Accept(c *reactor.Conn) reactor.Handler {
	_ = c.SetIdleTimeout(s.Idle) // cannot fail on a new Conn
	_ = c.SetReadTimeout(s.Patience)
	return &conn{s: s, in: c.KeepInput(maxHead), armed: true, timed: true}
}

// A conn is the Handler of one client.
//
//	field  set                             cleared
//	busy   a head was read                 its answer is complete
//	begun  an answer with a body begins    the answer is complete
//	empty  an empty line was consumed      a head was read
//	armed  accept; a request is incomplete the request is complete, and no other one has begun
//	timed  armed, for the current request  the request is complete
//	eof    the client has half-closed      -
//	ended  the last answer was sent        -
type conn struct {
	s     *Site
	in    *reactor.Input
	seen  int // how many bytes of an incomplete head were already searched
	req   request
	body  body
	busy  bool
	begun bool
	empty bool
	armed bool
	timed bool
	eof   bool
	ended bool
	room  [512]byte // for the head of an answer
}

var _ interface {
	reactor.DrainHandler
	reactor.EOFHandler
	reactor.TimeoutHandler
} = (*conn)(nil)

func (h *conn) Data(c *reactor.Conn, _ []byte) { h.run(c) }

// Drained continues with the requests that had to wait until the peer has read its answers.
func (h *conn) Drained(c *reactor.Conn) { h.run(c) }

// EOF handles the end of the client's requests. The answers are still sent.
func (h *conn) EOF(c *reactor.Conn) {
	h.eof = true
	h.run(c)
}

// Timeout ends a connection that is idle, or whose request is incomplete for too long.
func (h *conn) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) {
	if kind == reactor.TimeoutRead && (h.busy || h.in.Buffered() > 0) {
		h.refuse(c, timedOut)
		return
	}
	_ = c.Close()
}

func (h *conn) Closed(*reactor.Conn, error) {}

// run answers the requests that have arrived. All answers are sent together at the end of the step.
func (h *conn) run(c *reactor.Conn) {
	for !h.ended && c.Buffered() <= enough {
		if !h.busy && !h.nextHead(c) || h.busy && !h.nextPiece(c) {
			break
		}
	}
	if h.eof && !h.ended && c.Buffered() <= enough {
		if h.begun { // an incomplete echo must not look complete
			_ = c.Abort()
			return
		}
		h.end(c)
	}
	if incomplete := h.busy || h.empty || h.in.Buffered() > 0; incomplete != h.armed || incomplete && !h.timed {
		h.setTimeout(c, incomplete) // rare, because most requests arrive whole
	}
}

func (h *conn) setTimeout(c *reactor.Conn, incomplete bool) {
	limit := time.Duration(0)
	if incomplete && c.Buffered() <= enough { // otherwise the client does not read, and counts as idle
		limit = h.s.Patience
	}
	h.armed = limit > 0
	h.timed = h.armed
	_ = c.SetReadTimeout(limit) // fails only on a closed Conn
}

// nextHead reads the head of a request. It reports whether a whole head was there.
func (h *conn) nextHead(c *reactor.Conn) bool {
	if h.seen == 0 && !h.skipEmptyLines() {
		return false
	}
	r, whole, no := nextHead(h.in, &h.seen)
	if no != "" {
		h.refuse(c, no)
		return false
	}
	if !whole {
		return false
	}
	h.req, h.body, h.busy, h.empty = r, newBody(&r), true, false
	if r.waits && h.body.state != bodyEnded && h.in.Buffered() == 0 {
		_ = c.Send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	return true
}

// skipEmptyLines consumes empty lines in front of a request, which an old client may send after a
// body: RFC 9112, 2.2. It reports whether a request has begun. The time of Site.Patience begins
// with the first of these lines.
func (h *conn) skipEmptyLines() bool {
	for {
		p, err := h.in.Peek(2)
		if err != nil || string(p) != "\r\n" {
			return err == nil // a single byte may be one half of an empty line
		}
		_, _ = h.in.Discard(2)
		h.empty = true
	}
}

// nextPiece handles a piece of a request's body, or its end. It reports whether the caller should
// continue.
func (h *conn) nextPiece(c *reactor.Conn) bool {
	piece, no := h.body.next(h.in)
	switch {
	case no != "":
		h.refuse(c, no)
		return false
	case len(piece) > 0:
		if h.req.target == "/echo" {
			h.echo(c, piece)
		}
		return true
	case h.body.state != bodyEnded:
		return false
	}
	h.answer(c)
	h.busy, h.begun, h.timed = false, false, false
	if h.req.close {
		h.end(c)
	}
	return true
}

// refuse sends a status and ends the connection. If an answer has already begun, no status can be
// sent.
func (h *conn) refuse(c *reactor.Conn, no refusal) {
	if h.begun {
		h.ended = true
		_ = c.Abort()
		return
	}
	if !h.busy {
		h.req = request{} // the previous request had another method
	}
	h.req.close = true
	h.status(c, string(no))
	h.end(c)
}

// end closes the connection after all answers.
func (h *conn) end(c *reactor.Conn) {
	h.ended = true
	_ = c.Close()
}
