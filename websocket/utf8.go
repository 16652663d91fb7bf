package websocket

import "unicode/utf8"

// A textCheck checks UTF-8 while it arrives. It fails at the first byte after which no valid text
// is possible.
type textCheck struct {
	begun [4]byte // the first bytes of an incomplete character
	n     uint8   // how many of them there are, 0 … 3
}

// whole reports whether the text may end here.
func (t *textCheck) whole() bool { return t.n == 0 }

// write checks the next piece of the text.
func (t *textCheck) write(p []byte) bool {
	for t.n > 0 && len(p) > 0 {
		t.begun[t.n] = p[0]
		t.n++
		p = p[1:]
		if !validPrefix(t.begun[:t.n]) {
			return false
		}
		if int(t.n) == charSize(t.begun[0]) {
			t.n = 0
		}
	}
	cut := len(p)
	for i := 1; i <= min(3, len(p)); i++ {
		if b := p[len(p)-i]; b >= 0xC0 {
			if charSize(b) > i {
				cut = len(p) - i
			}
			break
		}
	}
	if cut < len(p) {
		if !validPrefix(p[cut:]) {
			return false
		}
		t.n = uint8(copy(t.begun[:], p[cut:]))
	}
	return utf8.Valid(p[:cut])
}

// charSize returns the size of the character whose first byte is b, or 0 if there is no such
// character.
func charSize(b byte) int {
	switch {
	case b < 0x80:
		return 1
	case b < 0xC2:
		return 0
	case b < 0xE0:
		return 2
	case b < 0xF0:
		return 3
	case b < 0xF5:
		return 4
	}
	return 0
}

// validPrefix reports whether p can be the beginning of a character of several bytes. See RFC 3629,
// 4.
func validPrefix(p []byte) bool {
	if charSize(p[0]) < 2 {
		return false
	}
	for i, b := range p[1:] {
		low, high := byte(0x80), byte(0xBF)
		if i == 0 {
			switch p[0] {
			case 0xE0:
				low = 0xA0
			case 0xED:
				high = 0x9F
			case 0xF0:
				low = 0x90
			case 0xF4:
				high = 0x8F
			}
		}
		if b < low || b > high {
			return false
		}
	}
	return true
}
