package websocket

import (
	"errors"
)

var (
	errOpening = errors.New("websocket: the handshake has not ended: send in Opened or later")
	// errOrderly is the result of a close handshake that this side has begun.
	errOrderly = errors.New("websocket: close handshake completed")
)

// Close closes the connection in order: it sends a Close frame after all output, and waits for the
// peer's Close frame for at most the time of WithCloseTimeout. After Close the only callback is
// Closed. A reason has at most 123 bytes. Before Opened, Close closes the connection at once. A
// second call does nothing.
func (c *Conn) Close(code Code, reason string) error {
	if err := checkClose(code, reason); err != nil {
		return err
	}
	switch {
	case c.is(closeSent | ended):
		return nil
	case !c.is(opened):
		c.state |= closeSent
		return c.rc.Close()
	}
	if err := c.sendClose(code, reason); err != nil {
		c.abort(err)
		return nil
	}
	_ = c.rc.SetReadTimeout(c.d.set.close)
	_ = c.resume()
	return nil
}

// Abort closes the connection at once, without a Close frame. Pending output is lost. Closed gets
// reactor.ErrAborted.
func (c *Conn) Abort() error {
	c.state |= closeSent | ended
	return c.rc.Abort()
}

func (c *Conn) abort(err error) {
	c.d.ensure().end = err
	_ = c.Abort()
}

// sendClose sends a Close frame.
func (c *Conn) sendClose(code Code, reason string) error {
	var room [2 + maxReason]byte
	p := room[:0]
	if code != NoStatus {
		p = append(append(p, byte(code>>8), byte(code)), reason...)
	}
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	b.b = c.d.set.appendFrame(b.b[:0], byte(opClose)|bitFin, p)
	c.state |= closeSent
	return c.rc.Send(b.b)
}

// closedByPeer handles the peer's Close frame. If this side has sent a Close frame, the peer's
// frame is the answer. Otherwise this side sends an answer.
func (c *Conn) closedByPeer(p []byte) {
	why, bad := parseClose(p)
	switch {
	case bad != nil:
		c.fail(bad)
	case c.is(closeSent):
		end := error(errOrderly)
		if part := c.d.part; part != nil && part.end != nil {
			end = part.end
		}
		c.finish(end)
	default:
		_ = c.sendClose(why.Code, "")
		c.finish(why)
	}
}

// fail ends the connection because the peer has broken a rule.
func (c *Conn) fail(bad *CloseError) {
	if !c.is(closeSent) {
		_ = c.sendClose(bad.Code, bad.Reason)
	}
	c.finish(bad)
}

// closeWith closes the connection for a reason of this side. Closed gets the reason.
func (c *Conn) closeWith(why *CloseError) {
	_ = c.Close(why.Code, why.Reason)
	if !c.is(ended) {
		c.d.ensure().end = why
	}
}

// finish closes the connection below. Earlier output is still delivered. Closed gets err.
func (c *Conn) finish(err error) {
	c.state |= ended | closeSent
	c.d.ensure().end = err
	_ = c.rc.Close()
}
