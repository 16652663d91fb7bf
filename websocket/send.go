package websocket

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// gatherMax is the largest payload that is copied behind its head if the connection has a Filter.
// Otherwise TLS would make one record of the head and another one of the payload.
const gatherMax = 4 << 10

// A buffer contains the bytes of one send.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 1<<10)} }}

// Send sends a message and never blocks. When Send returns, the caller may reuse p. Everything that
// is sent during one callback leaves in one system call. Send accepts all of p, or nothing if it
// returns an error. The error is reactor.ErrBuffered if more bytes would be buffered than the
// Conn's limit, or ErrClosed. Send does not check that a text is UTF-8.
func (c *Conn) Send(kind Kind, p []byte) error {
	if err := c.sendable(kind); err != nil {
		return err
	}
	c.state |= active
	if c.d.worth(len(p)) {
		return c.d.compress(kind, p, c.sendFrame)
	}
	return c.sendFrame(byte(kind)|bitFin, p)
}

func (c *Conn) sendable(kind Kind) error {
	switch {
	case kind != Text && kind != Binary:
		return fmt.Errorf("websocket: a message of kind %d: must be Text or Binary", kind)
	case c.is(closeSent | ended):
		return ErrClosed
	case !c.is(opened):
		return errOpening
	case c.is(inParts):
		return ErrParts
	}
	return nil
}

// SendPart sends a piece of a message as a separate frame, so a program can begin to send a message
// before all of it exists. For the last piece, last must be true. The pieces are not compressed. No
// other message may be sent between them.
func (c *Conn) SendPart(kind Kind, p []byte, last bool) error {
	b0 := byte(0)
	if !c.is(inParts) {
		if err := c.sendable(kind); err != nil {
			return err
		}
		b0 = byte(kind)
	} else if c.is(closeSent | ended) {
		return ErrClosed
	}
	if last {
		b0 |= bitFin
	}
	c.state |= active
	if err := c.sendFrame(b0, p); err != nil {
		return err
	}
	if c.state |= inParts; last {
		c.state &^= inParts
		c.resumeHubs()
	}
	return nil
}

// Ping sends a ping with at most 125 bytes. The peer answers with a pong that contains the same
// bytes.
func (c *Conn) Ping(p []byte) error {
	switch {
	case len(p) > maxControl:
		return fmt.Errorf("websocket: Ping of %d bytes: must be at most %d", len(p), maxControl)
	case c.is(closeSent | ended):
		return ErrClosed
	case !c.is(opened):
		return errOpening
	}
	return c.sendFrame(byte(opPing)|bitFin, p)
}

// sendFrame sends a frame. The frames of a client are masked.
func (c *Conn) sendFrame(b0 byte, p []byte) error {
	if c.d.set.server && (len(p) > gatherMax || c.rc.Filter() == nil) {
		n := putHead(c.room[:], b0, 0, len(p))
		return c.rc.SendV(c.room[:n], p)
	}
	b := buffers.Get().(*buffer)
	b.b = c.d.set.appendFrame(b.b[:0], b0, p)
	err := c.rc.Send(b.b)
	if cap(b.b) <= keepsAtMost {
		buffers.Put(b)
	}
	return err
}

// appendFrame appends a whole frame.
func (s *settings) appendFrame(b []byte, b0 byte, p []byte) []byte {
	var head [maxHead]byte
	if s.server {
		n := putHead(head[:], b0, 0, len(p))
		return append(append(b, head[:n]...), p...)
	}
	key := uint32(s.random())
	n := putHead(head[:], b0, bitMask, len(p))
	b = binary.LittleEndian.AppendUint32(append(b, head[:n]...), key)
	n = len(b)
	b = append(b, p...)
	mask(b[n:], key)
	return b
}
