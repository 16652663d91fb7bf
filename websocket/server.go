package websocket

import (
	"errors"

	"github.com/ureactor/ureactor/reactor"
)

// A Server accepts WebSocket connections. Any number of loops may use its methods at the same time,
// so one Server is enough for the loops of a Group.
type Server struct{ set *settings }

// NewServer makes a Server. For each handshake that the Server could answer, it calls accept on the
// loop of the connection. accept returns the Handler of the new connection, or nil to refuse it:
// see Request.Refuse. If the Server is only for Streams, accept may be nil.
func NewServer(accept func(r *Request) Handler, opts ...Option) (*Server, error) {
	set, err := newSettings(true, opts)
	if err != nil {
		return nil, err
	}
	set.accept = accept
	return &Server{set}, nil
}

// Accept is the function to pass to Listen of a Reactor or a Group, also with TLS
// (netconn.WithTLS). It reads the handshake.
func (s *Server) Accept(c *reactor.Conn) reactor.Handler {
	if s.set.accept == nil {
		panic("websocket: Accept of a Server without an accept function: pass one to NewServer")
	}
	h := &serverShake{shake: shake{set: s.set, in: c.KeepInput(s.set.maxHead)}}
	h.begin(c)
	return h
}

// A shake is a handshake in progress. It has its own timer. If it used the timer of the
// reactor.Conn, the reactor.Conn would keep the timer's memory after the handshake.
type shake struct {
	set   *settings
	in    *reactor.Input
	seen  int // bytes of an incomplete head that were already searched
	timer *reactor.Timer
	err   error // the error for Closed
}

func (h *shake) begin(c *reactor.Conn) {
	h.timer = c.Reactor().After(h.set.handshake, func() {
		h.fail(c, ErrHandshakeTimeout)
	})
}

// fail closes the connection. Earlier output is still delivered.
func (h *shake) fail(c *reactor.Conn, err error) {
	if h.err == nil {
		h.err = err
	}
	h.timer.Stop()
	_ = c.Close()
}

var errLongHead = errors.New("websocket: the head of the handshake is above the limit of WithMaxHead")

// head returns the peer's whole head, or "" while it is incomplete.
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
	ws *Conn // set when the connection was accepted

	// A shake is short-lived, so it must not be in the allocator's size class of 64 bytes, which Conns
	// use. Otherwise the free space of shakes would raise the cost of a quiet Conn to 150 bytes.
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

// Closed is called for a connection that was not opened. If accept has already returned a Handler
// for it, Closed of that Handler is called.
func (h *serverShake) Closed(_ *reactor.Conn, err error) {
	h.timer.Stop()
	if h.ws != nil {
		h.ws.neverOpened(err)
	}
}
