package websocket

import "fmt"

// A Frame is a message that is encoded once and can be sent to many connections of a Server. It
// never changes, and any number of loops may send it.
type Frame struct {
	kind     Kind
	whole    []byte // the whole frame
	payload  []byte // the part of whole that contains the message
	deflated []byte // the frame with a compressed payload; nil if there is none
}

// NewFrame encodes a message. If the Server has WithCompression, NewFrame also compresses the
// message. It copies p.
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

// Len returns the size of the message in bytes.
func (f *Frame) Len() int { return len(f.payload) }

// SendFrame does what Send does, for a message that is already encoded.
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
	z.forget() // this side's compressor has not seen the message
	return c.rc.Send(f.deflated)
}
