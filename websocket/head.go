package websocket

import (
	"encoding/binary"
)

// A Kind is the kind of a message.
type Kind uint8

const (
	Text   Kind = 1 // valid UTF-8
	Binary Kind = 2
)

func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Binary:
		return "binary"
	}
	return "Kind(" + string('0'+rune(k%10)) + ")"
}

// An opcode is the type of a frame (RFC 6455, 5.2).
type opcode uint8

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
	opNone         opcode = 255 // no frame
)

func (op opcode) control() bool { return op&8 != 0 }

// These are the bits of a head's bytes.
const (
	bitFin  = 0x80
	bitRSV1 = 0x40 // the message is compressed
	bitRSV  = 0x30 // reserved
	bitMask = 0x80 // of the second byte

	maxControl = 125 // bytes of payload of a control frame
	maxHead    = 14  // bytes of the head of a frame
)

// A frameHead is the head of a frame.
type frameHead struct {
	op     opcode
	fin    bool
	rsv1   bool
	key    uint32 // the masking key; its first byte is the lowest byte
	length int64
}

// headSize returns the size of a head whose second byte is b1.
func headSize(b1 byte) int {
	n := 2
	switch b1 & 127 {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b1&bitMask != 0 {
		n += 4
	}
	return n
}

// parse parses a whole head. It checks everything that does not depend on earlier frames.
func (h *frameHead) parse(p []byte, masked bool) *CloseError {
	b0, b1 := p[0], p[1]
	h.op, h.fin, h.rsv1 = opcode(b0&15), b0&bitFin != 0, b0&bitRSV1 != 0
	switch {
	case b0&bitRSV != 0:
		return violation(ProtocolError, "a reserved bit is set")
	case h.op > opBinary && h.op < opClose || h.op > opPong:
		return violation(ProtocolError, "a reserved opcode")
	case b1&bitMask != 0 != masked && masked:
		return violation(ProtocolError, "a client's frame is not masked")
	case b1&bitMask != 0 != masked:
		return violation(ProtocolError, "a server's frame is masked")
	}
	h.length = int64(b1 & 127)
	p = p[2:]
	switch h.length {
	case 126:
		if h.length = int64(binary.BigEndian.Uint16(p)); h.length < 126 {
			return violation(ProtocolError, "a length with more bytes than it needs")
		}
		p = p[2:]
	case 127:
		n := binary.BigEndian.Uint64(p)
		if n>>63 != 0 || n < 1<<16 {
			return violation(ProtocolError, "a length of 8 bytes that is out of range")
		}
		h.length = int64(n)
		p = p[8:]
	}
	if h.op.control() && (h.length > maxControl || !h.fin) {
		return violation(ProtocolError, "a control frame that is fragmented, or above 125 bytes")
	}
	h.key = 0
	if masked {
		h.key = binary.LittleEndian.Uint32(p)
	}
	return nil
}

// putHead writes the head of a frame with a payload of n bytes, without a masking key. b1 is 0 or
// bitMask. putHead returns the size of the head.
func putHead(p []byte, b0, b1 byte, n int) int {
	p[0] = b0
	switch {
	case n < 126:
		p[1] = b1 | byte(n)
		return 2
	case n < 1<<16:
		p[1] = b1 | 126
		binary.BigEndian.PutUint16(p[2:], uint16(n))
		return 4
	}
	p[1] = b1 | 127
	binary.BigEndian.PutUint64(p[2:], uint64(n))
	return 10
}
