package inbuf

import "math/bits"

const (
	least    = 256       // bytes, the smallest piece of memory
	classes  = 9         // powers of two up to 64 KiB
	poolKeep = 512 << 10 // bytes that a Pool keeps at most
)

// A Pool keeps memory that Buffers have given back, for one loop. A nil Pool keeps nothing.
type Pool struct {
	free [classes][][]byte
	kept int // bytes
}

// class returns the index of the smallest class with n bytes; classes or more if there is none.
func class(n int) int { return bits.Len(uint(max(n, least)-1) / least) }

func (p *Pool) get(n int) []byte {
	i := class(n)
	if i >= classes {
		return make([]byte, 0, n)
	}
	if p == nil || len(p.free[i]) == 0 {
		return make([]byte, 0, least<<i)
	}
	list := p.free[i]
	b := list[len(list)-1]
	list[len(list)-1] = nil
	p.free[i] = list[:len(list)-1]
	p.kept -= cap(b)
	return b[:0]
}

func (p *Pool) put(b []byte) {
	if p == nil || p.kept+cap(b) > poolKeep {
		return
	}
	if i := class(cap(b)); i < classes && cap(b) == least<<i {
		p.free[i] = append(p.free[i], b)
		p.kept += cap(b)
	}
}
