package websocket

import (
	"sync"
	"unicode/utf8"

	"github.com/ureactor/ureactor/internal/desc"
)

// A decoder finds messages and control frames in a stream of bytes. If a message consists of one
// frame that is in one piece of the input, the result is a slice of that input. All other state is
// in a partial, which a decoder holds only while it needs one.
type decoder struct {
	set  *settings
	part *partial // nil if there is no such state
	z    *deflate // nil without compression
}

// A partial contains the state that a connection needs in the middle of a frame or message, and at
// its end.
//
//	field    set by                       cleared by          holds
//	head     an incomplete head           the end of the head nhead bytes
//	frame    a complete head              the frame's end     valid while inFrame
//	left     a complete head              payload             bytes of the frame that are missing
//	kind     the first frame of a message its last frame      valid while the message is incomplete
//	deflated the first frame of a message its last frame      msg is compressed
//	text     payload of a text            the message's end   the state of the UTF-8 check
//	msg      payload                      settle              the message so far
//	control  payload of a control frame   settle              ncontrol bytes
//	returned next                         settle              next has returned memory of the partial
//	kept     Pause, back-pressure         receive             input that is not decoded yet
//	hubs     a Hub that waits             Drained             Hubs that wait for Drained
//	end      the end of the connection    -                   the error for Closed
type partial struct {
	head     [maxHead]byte
	nhead    uint8
	inFrame  bool
	deflated bool
	returned bool
	ncontrol uint8
	kind     opcode
	text     textCheck
	frame    frameHead
	left     int64
	msg      []byte
	kept     []byte
	end      error
	hubs     []*Hub
	control  [maxControl]byte
}

// keepsAtMost is the size in bytes up to which an unused partial keeps its memory.
const keepsAtMost = 64 << 10

var partials = sync.Pool{New: func() any { return &partial{kind: opNone} }}

// ensure returns the decoder's partial. If there is none, ensure gets one from the pool.
func (d *decoder) ensure() *partial {
	if d.part == nil {
		d.part = partials.Get().(*partial)
	}
	return d.part
}

// release returns the partial to the pool. After that, slices of its memory are not valid.
func (d *decoder) release() {
	p := d.part
	d.part = nil
	msg := p.msg
	if cap(msg) > keepsAtMost {
		msg = nil
	}
	*p = partial{kind: opNone, msg: msg[:0]}
	partials.Put(p)
}

// settle ends the validity of the payload that next has returned, and frees memory that is no
// longer needed.
func (d *decoder) settle() {
	p := d.part
	if p == nil {
		return
	}
	if p.returned {
		p.returned = false
		p.ncontrol = 0
		if p.kind == opNone {
			if desc.Poisons {
				desc.Poison(p.msg)
			}
			p.msg = p.msg[:0]
		}
	}
	if p.idle() {
		d.release()
	}
}

// idle reports whether the partial holds nothing.
func (p *partial) idle() bool {
	return p.kind == opNone && !p.inFrame && p.nhead == 0 && p.kept == nil && p.hubs == nil && p.end == nil
}

// next decodes p up to the end of one message or control frame, and returns the rest of p. If op is
// opNone, all of p was decoded. next unmasks p in place. payload is valid until settle. If payload
// is a part of p, it is valid as long as p.
func (d *decoder) next(p []byte) (rest []byte, op opcode, payload []byte, bad *CloseError) {
	d.settle()
	if d.part == nil && len(p) >= 2 {
		n := headSize(p[1])
		var h frameHead
		if len(p) >= n {
			if bad := h.parse(p, d.set.server); bad != nil {
				return nil, opNone, nil, bad
			}
			if h.fin && h.length <= int64(len(p)-n) {
				if bad := d.admit(&h); bad != nil {
					return nil, opNone, nil, bad
				}
				end := n + int(h.length)
				payload, rest = p[n:end:end], p[end:]
				if d.set.server {
					mask(payload, h.key)
				}
				switch {
				case h.rsv1:
					payload, bad = d.inflate(h.op, payload)
				case h.op == opText && !utf8.Valid(payload):
					bad = notText()
				}
				return rest, h.op, payload, bad
			}
		}
	}
	for len(p) > 0 {
		part := d.ensure()
		if !part.inFrame {
			var bad *CloseError
			if p, bad = d.readHead(part, p); bad != nil {
				return nil, opNone, nil, bad
			}
			if !part.inFrame {
				break
			}
		}
		n := min(int64(len(p)), part.left)
		chunk := p[:n:n]
		p = p[n:]
		op, payload, bad := d.readPayload(part, chunk)
		if op != opNone || bad != nil {
			return p, op, payload, bad
		}
	}
	return nil, opNone, nil, nil
}

func notText() *CloseError { return violation(InvalidData, "a text that is not UTF-8") }

// admit checks the head of a frame against its message and against the limits.
func (d *decoder) admit(h *frameHead) *CloseError {
	if h.op.control() {
		if h.rsv1 {
			return violation(ProtocolError, "a compressed control frame")
		}
		return nil
	}
	within, size := false, int64(0)
	if d.part != nil {
		within, size = d.part.kind != opNone, int64(len(d.part.msg))
	}
	switch {
	case within != (h.op == opContinuation) && within:
		return violation(ProtocolError, "a new message within another one")
	case within != (h.op == opContinuation):
		return violation(ProtocolError, "a continuation of no message")
	case h.rsv1 && (within || d.z == nil):
		return violation(ProtocolError, "a frame that must not be compressed")
	case h.length > int64(d.set.maxFrame):
		return violation(TooBig, "a frame above the limit")
	case h.length > int64(d.set.maxMessage)-size:
		return violation(TooBig, "a message above the limit")
	}
	return nil
}

// readHead reads a head, or the part of a head that p contains.
func (d *decoder) readHead(part *partial, p []byte) ([]byte, *CloseError) {
	for {
		need := 2
		if part.nhead >= 2 {
			need = headSize(part.head[1])
		}
		n := copy(part.head[part.nhead:need], p)
		part.nhead += uint8(n)
		p = p[n:]
		if int(part.nhead) < need {
			return nil, nil
		}
		if need > 2 || headSize(part.head[1]) == 2 {
			break
		}
	}
	part.nhead = 0
	h := &part.frame
	if bad := h.parse(part.head[:], d.set.server); bad != nil {
		return nil, bad
	}
	if bad := d.admit(h); bad != nil {
		return nil, bad
	}
	part.inFrame, part.left = true, h.length
	if h.op == opText || h.op == opBinary {
		part.kind, part.deflated, part.text = h.op, h.rsv1, textCheck{}
	}
	return p, nil
}

// readPayload adds a piece of the current frame's payload. If this completes a message or control
// frame, readPayload returns it.
func (d *decoder) readPayload(part *partial, chunk []byte) (opcode, []byte, *CloseError) {
	h := &part.frame
	whole := part.left == h.length && int64(len(chunk)) == h.length
	if d.set.server {
		h.key = mask(chunk, h.key)
	}
	part.left -= int64(len(chunk))
	part.inFrame = part.left > 0
	if h.op.control() {
		if !whole {
			part.ncontrol += uint8(copy(part.control[part.ncontrol:], chunk))
			chunk = part.control[:part.ncontrol]
		}
		if part.inFrame {
			return opNone, nil, nil
		}
		part.returned = true
		return h.op, chunk, nil
	}
	check := part.kind == opText && !part.deflated
	if check && !part.text.write(chunk) {
		return opNone, nil, notText()
	}
	part.add(chunk, d.set.maxMessage)
	if part.inFrame || !h.fin {
		return opNone, nil, nil
	}
	if check && !part.text.whole() {
		return opNone, nil, notText()
	}
	op := part.kind
	part.kind, part.returned = opNone, true
	if !part.deflated {
		return op, part.msg, nil
	}
	part.deflated = false
	p, bad := d.inflate(op, part.msg)
	return op, p, bad
}

// add appends a piece to the message. The memory grows with the bytes that have arrived, and not
// with the length that the peer has announced.
func (part *partial) add(p []byte, most int) {
	if n := len(part.msg) + len(p); n > cap(part.msg) {
		size := min(max(2*len(part.msg), n, 512), max(most, n))
		part.msg = append(make([]byte, 0, size), part.msg...)
	}
	part.msg = append(part.msg, p...)
}
