package h1

import "strings"

// These are classes of bytes in RFC 9110, 5.6.2 and 5.5, and in RFC 3986.
const (
	isToken  = 1 << iota // in methods and field names
	isText               // in field values
	isTarget             // in request targets
	isHost
	isDigit
	isHex
)

var classes = func() (c [256]uint8) {
	for i := range c {
		b := byte(i)
		alpha := b|0x20 >= 'a' && b|0x20 <= 'z'
		digit := b >= '0' && b <= '9'
		if alpha || digit || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 {
			c[i] |= isToken
		}
		if b == '\t' || b >= ' ' && b != 0x7f {
			c[i] |= isText
		}
		if b > ' ' && b < 0x7f {
			c[i] |= isTarget
		}
		if alpha || digit || b > 0 && strings.IndexByte("-._~%!$&'()*+,;=:[]", b) >= 0 {
			c[i] |= isHost
		}
		if digit {
			c[i] |= isDigit
		}
		if digit || b|0x20 >= 'a' && b|0x20 <= 'f' {
			c[i] |= isHex
		}
	}
	return c
}()

// all reports whether every byte of p has the class.
func all(p []byte, class uint8) bool {
	for _, b := range p {
		if classes[b]&class == 0 {
			return false
		}
	}
	return true
}
