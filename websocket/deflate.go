package websocket

import (
	"compress/flate"
	"sync"
)

// A deflate is the state of permessage-deflate on one connection. Without context takeover it never
// changes, so connections share it.
type deflate struct {
	level  int
	least  int   // shorter messages are not compressed
	bits   uint8 // the peer accepts a window of 1<<bits bytes
	sender *deflater
	window []byte // the end of the received messages
	takeover
}

// A takeover says in which directions the window remains from message to message.
type takeover struct{ sends, receives bool }

// A deflater is a compressor and its output.
type deflater struct {
	w   *flate.Writer
	out []byte
}

func (z *deflater) Write(p []byte) (int, error) {
	z.out = append(z.out, p...)
	return len(p), nil
}

// deflaters has a pool for each level. flate.HuffmanOnly is first.
var deflaters [flate.BestCompression - flate.HuffmanOnly + 1]sync.Pool

func getDeflater(level int) *deflater {
	if z, ok := deflaters[level-flate.HuffmanOnly].Get().(*deflater); ok {
		return z
	}
	z := &deflater{}
	z.w, _ = flate.NewWriter(z, level) // no error, because the level was checked
	return z
}

func putDeflater(z *deflater, level int) {
	if cap(z.out) > keepsAtMost {
		z.out = nil
	}
	deflaters[level-flate.HuffmanOnly].Put(z)
}

// compress compresses p and appends the result to z.out. Package flate supports only windows of 32
// KiB. For a smaller window, p is compressed in pieces that fit the window.
func (z *deflater) compress(p []byte, bits uint8, fresh bool) {
	for more := true; more; {
		piece := p
		if bits < 15 && len(p) > 1<<bits {
			piece = p[:1<<bits]
		}
		if p = p[len(piece):]; fresh {
			z.w.Reset(z)
		}
		_, _ = z.w.Write(piece) // z.Write returns no error
		_ = z.w.Flush()
		more = len(p) > 0
	}
	z.out = z.out[:len(z.out)-len(flushed)]
}

// worth reports whether a message of n bytes must be compressed.
func (d *decoder) worth(n int) bool { return d.z != nil && n >= d.z.least }

// compress compresses a message, and calls send with the first byte and the payload of the frame.
// If send fails, the peer does not get the message, so the next message must not refer to it.
func (d *decoder) compress(kind Kind, p []byte, send func(b0 byte, p []byte) error) error {
	z := d.z
	own := z.sender
	if z.sends && own == nil {
		own = &deflater{}
		own.w, _ = flate.NewWriter(own, z.level)
		z.sender = own
	}
	if own == nil {
		own = getDeflater(z.level)
		defer putDeflater(own, z.level)
	}
	own.out = own.out[:0]
	own.compress(p, z.bits, !z.sends)
	err := send(byte(kind)|bitFin|bitRSV1, own.out)
	if err != nil && z.sends {
		own.w.Reset(own)
	}
	if z.sends && cap(own.out) > keepsAtMost {
		own.out = nil
	}
	return err
}

// forget makes the next message refer to no earlier message. It is called when the peer has
// received a message that this side's compressor has not seen.
func (z *deflate) forget() {
	if z.sender != nil {
		z.sender.w.Reset(z.sender)
	}
}
