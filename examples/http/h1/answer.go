package h1

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A Site contains the content and the limits of the server. All loops share it.
type Site struct {
	Greeting string // the answer at all other paths
	File     string // the path of the file for /file; "" means none
	// Patience is how long a request may take to arrive. For the first request it counts from the
	// connect.
	Patience time.Duration
	Idle     time.Duration // how long a connection may be without any byte

	now atomic.Pointer[stamp]
}

// A stamp is the text of the field Date for one second.
type stamp struct {
	second int64
	text   string
}

const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// date returns the value of Date. It formats the date only once in a second.
func (s *Site) date(now time.Time) string {
	if d := s.now.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &stamp{now.Unix(), now.UTC().Format(httpDate)}
	s.now.Store(d)
	return d.text
}

// answer answers a request whose body is complete. If a send fails, the peer is lost, and Closed is
// called.
func (h *conn) answer(c *reactor.Conn) {
	reads := h.req.method == get || h.req.method == head
	switch {
	case h.req.method == options:
		b := h.head(c, "204 No Content")
		b = append(b, "Allow: GET, HEAD, POST, PUT, OPTIONS\r\n\r\n"...)
		_ = c.Send(b)
	case h.req.target == "/echo" && !reads:
		h.echoEnd(c)
	case h.req.target == "/echo":
		h.notAllowed(c, "POST, PUT, OPTIONS")
	case h.req.target == "/file" && h.s.File != "" && reads:
		h.file(c)
	case h.req.target == "/file" && h.s.File != "":
		h.notAllowed(c, "GET, HEAD, OPTIONS")
	default:
		h.text(c, "200 OK", h.s.Greeting)
	}
}

// head returns the beginning of an answer's head.
func (h *conn) head(c *reactor.Conn, status string) []byte {
	b := append(append(h.room[:0], "HTTP/1.1 "...), status...)
	b = append(b, "\r\nServer: ureactor\r\nDate: "...)
	b = append(b, h.s.date(c.Reactor().Time())...)
	switch {
	case h.req.close:
		return append(b, "\r\nConnection: close\r\n"...)
	case h.req.old: // otherwise an HTTP/1.0 client reads until the end of input
		return append(b, "\r\nConnection: keep-alive\r\n"...)
	}
	return append(b, crlf...)
}

func appendLength(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, "Content-Length: "...), n, 10), crlf...)
}

// text sends a whole answer with a text.
func (h *conn) text(c *reactor.Conn, status, body string) {
	b := append(h.head(c, status), "Content-Type: text/plain\r\n"...)
	b = append(appendLength(b, int64(len(body))), crlf...)
	if h.req.method != head {
		b = append(b, body...)
	}
	_ = c.Send(b)
}

// status sends an answer whose text is its status.
func (h *conn) status(c *reactor.Conn, status string) { h.text(c, status, status+"\r\n") }

func (h *conn) notAllowed(c *reactor.Conn, allow string) {
	const status = "405 Method Not Allowed"
	b := append(append(append(h.head(c, status), "Allow: "...), allow...), crlf...)
	b = append(appendLength(b, 0), crlf...)
	_ = c.Send(b)
}

// echo sends a piece of the body back. If the body came in chunks, echo sends a chunk.
func (h *conn) echo(c *reactor.Conn, piece []byte) {
	if h.req.method == get || h.req.method == head || h.req.method == options {
		return
	}
	h.echoBegin(c)
	if !h.req.chunked {
		_ = c.Send(piece)
		return
	}
	size := append(strconv.AppendInt(h.room[:0], int64(len(piece)), 16), crlf...)
	_ = c.SendV(size, piece, crlf)
}

func (h *conn) echoBegin(c *reactor.Conn) {
	if h.begun {
		return
	}
	h.begun = true
	b := append(h.head(c, "200 OK"), "Content-Type: application/octet-stream\r\n"...)
	if h.req.chunked {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	} else {
		b = appendLength(b, max(h.req.body, 0))
	}
	_ = c.Send(append(b, crlf...))
}

func (h *conn) echoEnd(c *reactor.Conn) {
	h.echoBegin(c)
	if h.req.chunked {
		_ = c.Send([]byte("0\r\n\r\n"))
	}
}
