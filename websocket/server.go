package websocket

import (
	"errors"

	"github.com/ureactor/ureactor/reactor"
)

// A Server accepts WebSocket connections. Its methods may be called on any loop at the same time,
// so one Server is enough for the loops of a Group.
type Server struct{ set *settings }

// NewServer makes a Server. accept is called with each handshake that the Server could answer, and
// returns the Handler of the new connection, or nil to refuse it: see Request.Refuse. It runs on
// the connection's loop. accept may be nil if the Server is for Streams only.
func NewServer(accept func(r *Request) Handler, opts ...Option) (*Server, error) {
	set, err := newSettings(true, opts)
	if err != nil {
		return nil, err
	}
	set.accept = accept
	return &Server{set}, nil
}

// Accept is the function for the Listen of a Reactor or a Group, also with TLS
// (netconn.WithTLS). It reads the handshake.
func (s *Server) Accept(c *reactor.Conn) reactor.Handler {
	if s.set.accept == nil {
		panic("websocket: Accept of a Server without an accept function: pass one to NewServer")
	}
	h := &serverShake{shake: shake{set: s.set, in: c.KeepInput(s.set.maxHead)}}
	h.begin(c)
	return h
}

// A shake is a handshake until it has succeeded. It has a timer of its own, because the
// reactor.Conn would keep its timer, and the timer's memory, after the handshake.
type shake struct {
	set   *settings
	in    *reactor.Input
	seen  int // bytes of an incomplete head that were searched
	timer *reactor.Timer
	err   error // what Closed gets
}

func (h *shake) begin(c *reactor.Conn) {
	h.timer = c.Reactor().After(h.set.handshake, func() {
		h.fail(c, ErrHandshakeTimeout)
	})
}

// fail closes the connection. Output that was sent still leaves.
func (h *shake) fail(c *reactor.Conn, err error) {
	if h.err == nil {
		h.err = err
	}
	h.timer.Stop()
	_ = c.Close()
}

var errLongHead = errors.New("websocket: the head of the handshake is above the limit of WithMaxHead")

// head returns the peer's whole head, "" while it is incomplete.
func (h *shake) head() (string, error) {
	end := h.in.Index(blankLine, max(h.seen-len(blankLine)+1, 0))
	switch {
	case end >= 0 && end <= h.set.maxHead-len(blankLine):
		p, err := h.in.Next(end + len(blankLine))
		return string(p), err
	case end < 0 && h.in.Buffered() < h.set.maxHead:
		h.seen = h.in.Buffered()
		return "", nil
	}
	return "", errLongHead
}

var blankLine = []byte("\r\n\r\n")

type serverShake struct {
	shake
	ws *Conn // once it was accepted

	// A shake is short-lived. It must not be of the allocator's size class of 64 bytes, in which Conns
	// live: with its space free, a quiet Conn would take 150 bytes.
	_ [16]byte
}

func (h *serverShake) Data(c *reactor.Conn, _ []byte) {
	head, err := h.head()
	if err != nil {
		_ = c.Send(refuse(&Request{}, 431).answer)
		h.fail(c, err)
		return
	}
	if head == "" {
		return
	}
	_, v := h.set.judge(head, c)
	if v.open {
		h.ws = &Conn{rc: c, h: v.h, d: decoder{set: h.set, z: v.z}, protocol: v.protocol}
	}
	if c.Send(v.answer) != nil || !v.open {
		h.fail(c, nil)
		return
	}
	h.timer.Stop()
	h.ws.open(h.in.Release())
}

// Closed is called for a connection that was not opened. If the program has already made a Handler
// for the connection, the Handler's Closed is called.
func (h *serverShake) Closed(_ *reactor.Conn, err error) {
	h.timer.Stop()
	if h.ws != nil {
		h.ws.neverOpened(err)
	}
}
