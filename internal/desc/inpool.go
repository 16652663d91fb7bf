package desc

import "math/bits"

const (
	leastPiece   = 256       // the size of the smallest piece of memory, in bytes
	pieceClasses = 9         // the sizes are the powers of two from leastPiece to 64 KiB
	poolKeep     = 512 << 10 // how many bytes an InputPool keeps at most
)

// An InputPool keeps memory that the Inbounds of one loop do not need any more. A nil InputPool
// keeps nothing.
type InputPool struct {
	free [pieceClasses][][]byte
	kept int // bytes
}

// pieceClass returns the index of the smallest size that has room for n bytes. If no size has room,
// it returns pieceClasses or more.
func pieceClass(n int) int { return bits.Len(uint(max(n, leastPiece)-1) / leastPiece) }

func (p *InputPool) get(n int) []byte {
	i := pieceClass(n)
	if i >= pieceClasses {
		return make([]byte, 0, n)
	}
	if p == nil || len(p.free[i]) == 0 {
		return make([]byte, 0, leastPiece<<i)
	}
	list := p.free[i]
	b := list[len(list)-1]
	list[len(list)-1] = nil
	p.free[i] = list[:len(list)-1]
	p.kept -= cap(b)
	return b[:0]
}

func (p *InputPool) put(b []byte) {
	if p == nil || p.kept+cap(b) > poolKeep {
		return
	}
	if i := pieceClass(cap(b)); i < pieceClasses && cap(b) == leastPiece<<i {
		p.free[i] = append(p.free[i], b)
		p.kept += cap(b)
	}
}
