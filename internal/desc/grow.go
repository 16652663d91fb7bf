package desc

import (
	"slices"
	"strings"
	"unsafe"
)

// growPart is how many bytes one part of a growth copies. A growth of fewer bytes is made at once.
const growPart = PartMost

// A gathered collects bytes of unknown number in one slice that doubles. A large slice grows in
// parts. Between two parts Do checks the clock, yields, and notices Close. Until the growth is
// complete, data is whole, so a call that ends meanwhile returns it.
//
// A gathered grows in parts because new memory costs a page fault for each page. On some machines
// that takes 10 ms for each megabyte, so a growth in one part would make the call miss its
// deadline.
type gathered struct {
	data []byte
	next []byte // nil unless data grows: a copy of its first bytes
}

// room returns how many bytes add accepts now, at most want. If it returns 0, call grow first.
func (g *gathered) room(want int) int {
	if len(g.data) < growPart {
		return want
	}
	return min(want, cap(g.data)-len(g.data))
}

// grow makes one part of a growth and returns how many bytes it has copied.
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

// add appends p. It does not leave growth to append, which grows a large slice by a quarter and so
// copies each byte about four times.
func (g *gathered) add(p []byte) {
	if len(g.data)+len(p) > cap(g.data) {
		g.data = slices.Grow(g.data, max(len(g.data), len(p)))
	}
	g.data = append(g.data, p...)
}

// uncleared does what make([]byte, 0, n) does, but does not clear the memory. Clearing would cost
// as much as a copy. Only a strings.Builder offers such memory. No code reads beyond the length of
// the slice.
func uncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	b.WriteByte(0) // the memory of an empty string is unspecified
	return unsafe.Slice(unsafe.StringData(b.String()), n)[:0]
}
