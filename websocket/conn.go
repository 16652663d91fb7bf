package websocket

import (
	"github.com/ureactor/ureactor/reactor"
)

// A Handler serves one Conn. The loop calls its methods, so a method that blocks stops every
// connection of the loop.
//
// A Handler may also have any of these methods. The Conn looks for a method only when it is time to
// call that method:
//
//	Opened(c *Conn)          // the handshake has succeeded; before the first Message
//	Drained(c *Conn)         // output fell from above the high-water mark to the low-water mark
//	Pong(c *Conn, p []byte)  // the peer has answered a Ping
type Handler interface {
	// Message receives a whole message. p is valid until Message returns. A text is valid UTF-8.
	Message(c *Conn, kind Kind, p []byte)
	// Closed is the last call, and is made exactly once. err is nil if this side has called Close and
	// the peer has answered. It is a *CloseError if the peer has closed or has broken a rule. Any
	// other err is the error that has closed the connection or kept it from opening.
	Closed(c *Conn, err error)
}

// These types are the optional parts of a Handler. A line such as "var _ DrainHandler =
// (*handler)(nil)" finds a misspelt method.
type (
	// An OpenHandler is called when the handshake has succeeded, before the first Message.
	OpenHandler interface{ Opened(c *Conn) }
	// A DrainHandler is called when buffered output was above the high-water mark and has fallen to
	// the low-water mark.
	DrainHandler interface{ Drained(c *Conn) }
	// A PongHandler is called with the payload of each pong.
	PongHandler interface{ Pong(c *Conn, p []byte) }
)

// A Conn is a WebSocket connection on a loop. Only code on the loop may use a Conn: see
// reactor.Conn. A quiet Conn needs 64 bytes in addition to its reactor.Conn.
type Conn struct {
	//	flag       set by                       cleared by            excludes
	//	opened     the end of the handshake     -
	//	decoding   receive                      receive               a second receive
	//	paused     Pause                        Resume
	//	inParts    SendPart                     the last SendPart     Send
	//	closeSent  Close, a violation, Shutdown -                     any callback but Closed
	//	ended      the peer's Close, EOF,       -                     decoding of more input
	//	           a violation, Shutdown
	//	heard      Data                         the tick
	//	pinged     the tick                     the tick after Data
	//	active     a message in any direction   the tick

	rc       *reactor.Conn
	h        Handler
	d        decoder
	state    connState
	quiet    uint16 // how many ticks had no message
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

// Conn returns the connection below, for its addresses, TCP timeouts, and TLS. Do not call its
// methods that send, close, or set a handler or a timeout, because this package calls them itself.
func (c *Conn) Conn() *reactor.Conn { return c.rc }

// Reactor returns the loop of the Conn.
func (c *Conn) Reactor() *reactor.Reactor { return c.rc.Reactor() }

// Subprotocol returns the negotiated subprotocol, or "" if there is none.
func (c *Conn) Subprotocol() string { return c.d.set.protocolName(c.protocol) }

func (s *settings) protocolName(n uint8) string {
	if n == 0 {
		return ""
	}
	return s.protocols[n-1]
}

// Compressed returns whether permessage-deflate was negotiated.
func (c *Conn) Compressed() bool { return c.d.z != nil }

// Buffered returns how many bytes were sent that the kernel has not accepted yet.
func (c *Conn) Buffered() int { return c.rc.Buffered() }

// Throttled returns whether the peer reads too slowly: more output than the high-water mark was
// buffered. Then Message is not called until Drained.
func (c *Conn) Throttled() bool { return c.rc.Throttled() }

// Pause stops the calls of Message until Resume. A paused Conn can send, but it does not answer
// pings.
func (c *Conn) Pause() error {
	if c.is(closeSent | ended) {
		return ErrClosed
	}
	c.state |= paused
	return c.rc.Pause()
}

// Resume ends a Pause. Messages that have arrived meanwhile are delivered in a later turn.
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

// neverOpened ends a Conn whose handshake has failed.
func (c *Conn) neverOpened(err error) {
	c.state |= closeSent | ended
	if err == nil {
		err = ErrClosed
	}
	c.h.Closed(c, err)
}
