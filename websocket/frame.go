package websocket

import "fmt"

// A Frame is a message that was encoded once, to be sent to many connections of a Server. It never
// changes, and any number of loops may send it.
type Frame struct {
	kind     Kind
	whole    []byte // the frame
	payload  []byte // its part that is the message
	deflated []byte // the frame with a compressed payload; nil if that was not worth it
}

// NewFrame encodes a message, also compressed if the Server has WithCompression. It copies p.
func (s *Server) NewFrame(kind Kind, p []byte) *Frame {
	if kind != Text && kind != Binary {
		panic(fmt.Sprintf("websocket: NewFrame of kind %d: must be Text or Binary", kind))
	}
	f := &Frame{kind: kind}
	f.whole = s.set.appendFrame(make([]byte, 0, maxHead+len(p)), byte(kind)|bitFin, p)
	f.payload = f.whole[len(f.whole)-len(p):]
	if c := s.set.compression; c != nil && len(p) >= c.Least {
		z := getDeflater(c.Level)
		z.out = z.out[:0]
		if z.compress(p, 15, true); len(z.out) < len(p) {
			f.deflated = s.set.appendFrame(nil, byte(kind)|bitFin|bitRSV1, z.out)
		}
		putDeflater(z, c.Level)
	}
	return f
}

// Len returns how many bytes the message has.
func (f *Frame) Len() int { return len(f.payload) }

// SendFrame is Send for a Frame, which is not encoded again.
func (c *Conn) SendFrame(f *Frame) error {
	if f == nil {
		panic("websocket: SendFrame(nil): make a Frame with Server.NewFrame")
	}
	if err := c.sendable(f.kind); err != nil {
		return err
	}
	z := c.d.z
	switch {
	case !c.d.set.server:
		return c.Send(f.kind, f.payload)
	case z == nil || f.deflated == nil || z.bits < 15:
		c.state |= active
		return c.rc.Send(f.whole)
	}
	c.state |= active
	z.forget() // the peer's window gets a message that this side's compressor has not seen
	return c.rc.Send(f.deflated)
}
