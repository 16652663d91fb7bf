package main

import (
	"bytes"
	"strconv"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

const greeting = "Hello World!\r\n"

// keepAlive is how long a connection may be idle.
const keepAlive = time.Minute

// enough is how much output may wait before requests have to wait. It is the high-water mark,
// because Drained is called above that.
const enough = 256 << 10

func listen(g *reactor.Group, network, addr string) (*reactor.GroupListener, error) {
	return g.Listen(network, addr, accept, reactor.WithLimits(64<<10, enough, 4<<20))
}

func accept(c *reactor.Conn) reactor.Handler {
	_ = c.SetIdleTimeout(keepAlive) // cannot fail on a new Conn
	return &conn{}
}

// wholeTime is how long a request may take from its first byte to its last.
const wholeTime = time.Minute

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// A conn is one client.
type conn struct {
	rest  []byte // unread input: an incomplete head; complete ones too while the peer does not read
	seen  int    // bytes of rest that have no end of a head
	req   request
	body  int  // bytes of req's body still to come; they are dropped
	begun bool // req's head is complete, and not answered yet
	timed bool // a request's timeout is set
	room  [256]byte
	ended bool
}

func (h *conn) Data(c *reactor.Conn, p []byte) {
	if len(h.rest) == 0 {
		n := h.run(c, p)
		h.rest = append(h.rest, p[n:]...)
		return
	}
	h.rest = append(h.rest, p...)
	h.again(c)
}

// Drained continues with the requests that had to wait until the peer read its answers.
func (h *conn) Drained(c *reactor.Conn) { h.again(c) }

// Timeout ends a connection that is idle, or whose request does not end.
func (h *conn) Timeout(c *reactor.Conn, _ reactor.TimeoutKind) { _ = c.Close() }

func (h *conn) Closed(*reactor.Conn, error) {}

func (h *conn) again(c *reactor.Conn) {
	n := h.run(c, h.rest)
	if n == 0 {
		return
	}
	if h.rest = h.rest[:copy(h.rest, h.rest[n:])]; len(h.rest) == 0 {
		h.rest = nil
	}
}

// run answers the requests at the front of p and returns how many bytes they had. The answers leave
// together.
func (h *conn) run(c *reactor.Conn, p []byte) (done int) {
	whole := true
	for !h.ended && whole && c.Buffered() <= enough && (h.begun || done < len(p)) {
		if h.begun {
			n := min(h.body, len(p)-done)
			done += n
			if h.body -= n; h.body > 0 {
				whole = false
			} else {
				h.begun = false
				h.answer(c, "200 OK", h.req)
			}
			continue
		}
		// An empty line before a request, as after an old client's body: RFC 9112, 2.2.
		if bytes.HasPrefix(p[done:], blankLine[:2]) {
			done += 2
			h.seen = 0
			continue
		}
		r, n, no := parse(p[done:], h.seen)
		h.seen = 0
		switch {
		case no != "":
			h.answer(c, string(no), request{close: true})
		case n == 0:
			h.seen, whole = len(p)-done, false
		default:
			done += n
			h.req, h.body, h.begun = r, max(r.body, 0), true
			if r.waits && h.body > 0 && done == len(p) {
				_ = c.Send([]byte(goOn))
			}
		}
	}
	if h.timed == whole { // rare: most requests arrive whole
		h.timed = !whole
		limit := time.Duration(0)
		if h.timed {
			limit = wholeTime
		}
		_ = c.SetReadTimeout(limit) // fails only on a closed Conn
	}
	return done
}

// answer sends one answer. If that fails, the peer is lost, and Closed follows.
func (h *conn) answer(c *reactor.Conn, status string, r request) {
	body := greeting
	if status != "200 OK" {
		body = status + "\r\n"
	}
	b := append(append(h.room[:0], "HTTP/1.1 "...), status...)
	b = append(b, "\r\nServer: ureactor\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	b = append(b, "\r\nContent-Type: text/plain\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	switch {
	case r.close:
		b = append(b, "\r\nConnection: close"...)
	case r.old: // otherwise HTTP/1.0 reads until end of input
		b = append(b, "\r\nConnection: keep-alive"...)
	}
	b = append(b, "\r\n\r\n"...)
	if !r.head {
		b = append(b, body...)
	}
	_ = c.Send(b)
	if r.close {
		h.ended = true
		_ = c.Close() // after the answers
	}
}
