package main

import (
	"strconv"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

const greeting = "Hello World!\r\n"

// keepAlive is how long a connection may be quiet.
const keepAlive = time.Minute

// enough is how much output may wait before the next request does: the high-water mark, for above that Drained comes.
const enough = 256 << 10

func listen(g *reactor.Group, network, addr string) (*reactor.GroupListener, error) {
	return g.Listen(network, addr, accept, reactor.WithLimits(64<<10, enough, 4<<20))
}

func accept(c *reactor.Conn) reactor.Handler {
	_ = c.SetIdleTimeout(keepAlive) // a new Conn: nothing to fail
	return &conn{}
}

// A conn is one client.
type conn struct {
	rest  []byte // of what came: an incomplete request, or, while the peer does not read, also complete ones
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

// Drained goes on with what had to wait until the peer read its answers.
func (h *conn) Drained(c *reactor.Conn) { h.again(c) }

// Timeout ends a connection that says nothing.
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

// run answers the requests at the front of p and tells how many bytes they had. Their answers leave together.
func (h *conn) run(c *reactor.Conn, p []byte) (done int) {
	for !h.ended && done < len(p) && c.Buffered() <= enough {
		r, n, no := parse(p[done:])
		switch {
		case no != "":
			h.answer(c, string(no), request{close: true})
		case n == 0:
			return done
		default:
			done += n
			h.answer(c, "200 OK", r)
		}
	}
	return done
}

// answer sends one. What fails has lost its peer, and Closed comes.
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
	if r.close {
		b = append(b, "\r\nConnection: close"...)
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
