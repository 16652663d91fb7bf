package websocket

import (
	"github.com/ureactor/ureactor/reactor"
)

// A Handler serves one Conn. The loop calls its methods, so a method that blocks stops every
// connection of the loop.
//
// A Handler may also have any of these methods. The Conn looks for them when it needs them:
//
//	Opened(c *Conn)          // the handshake has succeeded; before the first Message
//	Drained(c *Conn)         // output fell from above the high mark to the low mark
//	Pong(c *Conn, p []byte)  // the peer has answered a Ping
type Handler interface {
	// Message receives a whole message. p is valid until Message returns. A text is UTF-8.
	Message(c *Conn, kind Kind, p []byte)
	// Closed is the last call, and comes once. err is nil if this side has called Close and the
	// peer has answered. It is a *CloseError if the peer has closed or has broken a rule. Any other
	// err is what closed the connection or kept it from opening.
	Closed(c *Conn, err error)
}

// These are the optional parts of a Handler. A line such as "var _ DrainHandler = (*handler)(nil)"
// finds a misspelt method.
type (
	// An OpenHandler is called once the handshake has succeeded, before the first Message.
	OpenHandler interface{ Opened(c *Conn) }
	// A DrainHandler is called when output has fallen to the low-water mark after it was above the
	// high-water mark.
	DrainHandler interface{ Drained(c *Conn) }
	// A PongHandler is called with the payload of each pong.
	PongHandler interface{ Pong(c *Conn, p []byte) }
)

// A Conn is a WebSocket connection on a loop. Only the loop touches a Conn: see reactor.Conn. A
// quiet Conn needs 64 bytes beside its reactor.Conn.
type Conn struct {
	//	flag       set by                       cleared by            excludes
	//	opened     the end of the handshake     -
	//	decoding   receive                      the same              a second receive
	//	paused     Pause                        Resume
	//	inParts    SendPart                     its last part         Send
	//	closeSent  Close, a violation, Shutdown -                     any callback but Closed
	//	ended      the peer's Close, EOF,       -                     decoding of more input
	//	           a violation, Shutdown
	//	heard      Data                         the tick
	//	pinged     the tick                     the tick after Data
	//	active     a message, either way        the tick

	rc       *reactor.Conn
	h        Handler
	d        decoder
	state    connState
	quiet    uint16 // ticks without a message
	protocol uint8
	room     [10]byte // for the head of a frame
}

type connState uint16

const (
	opened connState = 1 << iota
	decoding
	paused
	inParts
	closeSent
	ended
	heard
	pinged
	active
)

func (c *Conn) is(s connState) bool { return c.state&s != 0 }

// Conn returns the connection below, for its addresses, timeouts of TCP, and TLS. Do not call its
// methods that send, close, or set a handler or a timeout: only this package may call them.
func (c *Conn) Conn() *reactor.Conn { return c.rc }

// Reactor returns the loop that the Conn lives on.
func (c *Conn) Reactor() *reactor.Reactor { return c.rc.Reactor() }

// Subprotocol returns the subprotocol of the handshake, "" if there is none.
func (c *Conn) Subprotocol() string { return c.d.set.protocolName(c.protocol) }

func (s *settings) protocolName(n uint8) string {
	if n == 0 {
		return ""
	}
	return s.protocols[n-1]
}

// Compressed returns whether permessage-deflate was negotiated.
func (c *Conn) Compressed() bool { return c.d.z != nil }

// Buffered returns how many bytes of output wait: they were sent, but the kernel has not accepted
// them.
func (c *Conn) Buffered() int { return c.rc.Buffered() }

// Throttled returns whether the peer reads too slowly: more output than the high-water mark has
// waited. Then no Message comes until Drained.
func (c *Conn) Throttled() bool { return c.rc.Throttled() }

// Pause stops the calls of Message until Resume. Sending continues. While the Conn is paused, it
// answers no pings.
func (c *Conn) Pause() error {
	if c.is(closeSent | ended) {
		return ErrClosed
	}
	c.state |= paused
	return c.rc.Pause()
}

// Resume continues after Pause. Messages that have arrived meanwhile come in a later turn.
func (c *Conn) Resume() error {
	if c.is(closeSent | ended) {
		return ErrClosed
	}
	return c.resume()
}

func (c *Conn) resume() error {
	c.state &^= paused
	if !c.is(decoding) && c.d.part != nil && c.d.part.kept != nil {
		c.Reactor().After(0, func() { (*wire)(c).continues() })
	}
	return c.rc.Resume()
}

// neverOpened ends a Conn whose handshake has not succeeded.
func (c *Conn) neverOpened(err error) {
	c.state |= closeSent | ended
	if err == nil {
		err = ErrClosed
	}
	c.h.Closed(c, err)
}
