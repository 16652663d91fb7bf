package desc

import (
	"slices"
	"strings"
	"unsafe"
)

// growPart is how many bytes one part of a growth copies. A growth of fewer bytes has only one
// part.
const growPart = PartMost

// A gathered collects a number of bytes that is not known before. The bytes are in one slice, which
// grows to twice its size. A large slice grows in parts. Between two parts, Do reads the clock,
// yields, and notices Close. While the slice grows, data still has all bytes, so a call that ends
// meanwhile can return them.
//
// The reason for the parts is that new memory costs a page fault for each page. On some machines
// that takes 10 ms for each megabyte. A growth in one part would make the call miss its deadline.
type gathered struct {
	data []byte
	next []byte // while data grows: the new slice, with a copy of the first bytes
}

// room returns how many bytes can be added now, at most `want`. If room returns 0, call grow before
// add.
func (g *gathered) room(want int) int {
	if len(g.data) < growPart {
		return want
	}
	return min(want, cap(g.data)-len(g.data))
}

// grow makes one part of a growth, and returns how many bytes it has copied.
func (g *gathered) grow() int {
	if g.next == nil {
		g.next = uncleared(2 * len(g.data))
	}
	part := g.data[len(g.next):]
	part = part[:min(len(part), growPart)]
	if g.next = append(g.next, part...); len(g.next) == len(g.data) {
		g.data, g.next = g.next, nil
	}
	return len(part)
}

// add appends p. append is not used for the growth of a large slice. It adds only a quarter of the
// size, so each byte would be copied about four times.
func (g *gathered) add(p []byte) {
	if len(g.data)+len(p) > cap(g.data) {
		g.data = slices.Grow(g.data, max(len(g.data), len(p)))
	}
	g.data = append(g.data, p...)
}

// uncleared is like make([]byte, 0, n), but it does not clear the memory, which would cost as much
// as a copy. Only a strings.Builder provides such memory. No code reads beyond the length of the
// slice.
func uncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	// The memory of an empty string is unspecified, so the string must not be empty.
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), n)[:0]
}
