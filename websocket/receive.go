package websocket

import (
	"errors"

	"github.com/ureactor/ureactor/reactor"
)

// A wire is the Conn in the role of the Handler of its reactor.Conn.
type wire Conn

var _ interface {
	reactor.Handler
	reactor.EOFHandler
	reactor.DrainHandler
	reactor.TimeoutHandler
	reactor.ShutdownHandler
} = (*wire)(nil)

// open begins after the handshake. p contains the bytes that the peer has sent after the handshake.
func (c *Conn) open(p []byte) {
	c.state |= opened
	if err := c.rc.SetHandler((*wire)(c)); err != nil {
		return // it was closed meanwhile; then Closed of the handshake's handler is called
	}
	if c.d.set.tick > 0 {
		_ = c.rc.SetReadTimeout(c.d.set.tick)
		_ = c.rc.SetIdleTimeout(4 * c.d.set.ping) // pings cause traffic every 2 * ping
	}
	if h, ok := c.h.(OpenHandler); ok {
		h.Opened(c)
	}
	c.receive(p)
}

func (w *wire) Data(_ *reactor.Conn, p []byte) {
	c := (*Conn)(w)
	c.state |= heard
	c.receive(p)
}

// receive decodes p and calls the Handler. If the Conn is paused or its output is throttled,
// receive stores the rest of the input.
func (c *Conn) receive(p []byte) {
	if part := c.d.part; part != nil && part.kept != nil {
		p = append(part.kept, p...)
		part.kept = nil
	}
	c.state |= decoding
	for len(p) > 0 && !c.is(ended) {
		if (c.is(paused) || c.rc.Throttled()) && !c.is(closeSent) {
			c.d.settle()
			c.d.ensure().kept = append([]byte(nil), p...)
			break
		}
		rest, op, payload, bad := c.d.next(p)
		if bad != nil {
			c.fail(bad)
			break
		}
		if p = rest; op != opNone {
			c.deliver(op, payload)
		}
	}
	c.state &^= decoding
	if !c.is(ended) {
		c.d.settle()
	}
}

// deliver handles a message or a control frame. After this side has sent a Close, deliver ignores
// everything except the peer's Close.
func (c *Conn) deliver(op opcode, p []byte) {
	switch {
	case op == opClose:
		c.closedByPeer(p)
	case c.is(closeSent):
	case op == opPing:
		_ = c.sendFrame(byte(opPong)|bitFin, p) // an error means that the peer does not read
	case op == opPong:
		if h, ok := c.h.(PongHandler); ok {
			h.Pong(c, p)
		}
	default:
		c.state |= active
		c.h.Message(c, Kind(op), p)
	}
}

// continues decodes the stored input.
func (w *wire) continues() {
	if c := (*Conn)(w); !c.is(decoding | ended) {
		c.receive(nil) // this also frees a partial that only Hubs needed
	}
}

func (w *wire) Drained(*reactor.Conn) {
	c := (*Conn)(w)
	if h, ok := c.h.(DrainHandler); ok && !c.is(closeSent|ended) {
		h.Drained(c)
	}
	c.resumeHubs()
	w.continues()
}

// EOF handles the end of the stream. In an orderly close it follows a Close frame.
func (w *wire) EOF(*reactor.Conn) {
	c := (*Conn)(w)
	if w.continues(); c.is(ended) {
		return
	}
	c.finish(violation(Abnormal, "the stream has ended without a Close"))
}

// Timeout is the tick for pings and for WithIdleTimeout. After this side has sent a Close, it means
// that the time of WithCloseTimeout has passed.
func (w *wire) Timeout(_ *reactor.Conn, kind reactor.TimeoutKind) {
	c := (*Conn)(w)
	s := c.d.set
	switch {
	case c.is(closeSent) && kind == reactor.TimeoutRead:
		c.abort(ErrCloseTimeout)
		return
	case kind == reactor.TimeoutIdle && !c.is(paused|closeSent): // not even output has moved
		c.abort(ErrSilent)
		return
	case kind != reactor.TimeoutRead:
		return
	}
	if c.quiet++; c.is(active) {
		c.quiet = 0
	}
	switch {
	case c.is(heard|paused) || c.rc.Throttled(): // a paused or throttled Conn is not read
		c.state &^= pinged
	case s.ping > 0 && c.is(pinged):
		c.abort(ErrSilent)
		return
	case s.ping > 0:
		c.state |= pinged
		_ = c.Ping(nil)
	}
	c.state &^= heard | active
	if s.idle > 0 && int64(c.quiet)*int64(s.tick) >= int64(s.idle) {
		c.closeWith(violation(GoingAway, "idle"))
		return
	}
	_ = c.rc.SetReadTimeout(s.tick)
}

// Shutdown handles the drain of the loop.
func (w *wire) Shutdown(*reactor.Conn) {
	if c := (*Conn)(w); !c.is(closeSent | ended) {
		_ = c.sendClose(GoingAway, "")
		c.finish(violation(GoingAway, "the loop drains"))
	}
}

func (w *wire) Closed(_ *reactor.Conn, err error) {
	c := (*Conn)(w)
	c.state |= ended | closeSent
	if part := c.d.part; part != nil {
		if part.end != nil && (err == nil || errors.Is(err, reactor.ErrAborted)) {
			err = part.end
		}
		if err == errOrderly {
			err = nil
		}
		c.d.release()
	}
	c.d.z = nil // a program may keep the Conn
	c.h.Closed(c, err)
}
