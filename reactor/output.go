package reactor

import (
	"os"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

const (
	chunkSize  = 16*1024 - 48 // together with its fields, exactly a size class of the allocator
	chunksKeep = 64           // how many chunks an idle loop keeps, with those in outputs: 1 MiB
)

// An output is a queue of chunks. It has the bytes that Send has accepted and the kernel has not. A
// Conn borrows an output from the loop, and returns it when the output is empty. So an idle Conn
// owns no buffer.
type output struct {
	head, tail *chunk
	n          int // the bytes of all chunks
	files      int // how many chunks are parts of files

	blocked timerq.Timer     // the place in outputPool.blocked; this timer never expires
	stuck   timeout.Deadline // while blocked: when the kernel has last accepted bytes
}

// A chunk has bytes in memory, or it is a part of a file, from offset+start to offset+end.
type chunk struct {
	next       *chunk
	start, end int
	file       *os.File // nil if the bytes are in b
	offset     int64
	at         timeout.Deadline // when its first byte was added, if it was not the first chunk
	b          [chunkSize]byte
}

// An outputPool has the outputs that Conns have returned. The last one returned is borrowed first,
// because its memory is still in the processor's cache.
type outputPool struct {
	outs   []*output
	chunks *chunk
	kept   int

	bytes   int          // the bytes of all borrowed outputs
	blocked timerq.Queue // outputs that the kernel has refused, sorted by the age of their first byte
	k       Kernel

	flushFile func(c *Conn) (goOn bool) // set by the first SendFile, so that the linker drops it

	// when the first byte of the oldest output in blocked was added, or Never
	oldest atomic.Int64
}

func (p *outputPool) output() *output {
	if n := len(p.outs); n > 0 {
		o := p.outs[n-1]
		p.outs = p.outs[:n-1]
		return o
	}
	return &output{}
}

// free drops the bytes of the output, and returns the output to the pool.
func (p *outputPool) free(o *output) {
	if p.blocked.Stop(&o.blocked) {
		p.oldest.Store(int64(p.blocked.Next()))
	}
	for o.head != nil {
		o.skip(p, o.head.end-o.head.start)
	}
	if len(p.outs) < chunksKeep {
		p.outs = append(p.outs, o)
	}
}

// block records that the kernel has refused the output, or a part of it.
func (p *outputPool) block(o *output) {
	if !o.blocked.Armed() {
		o.head.at = p.k.Now()
	} else if o.head.at <= o.blocked.Until() {
		return
	}
	p.blocked.Arm(&o.blocked, o.head.at)
	p.oldest.Store(int64(p.blocked.Next()))
}

// reuse returns an output with one chunk to the pool. The next borrower gets the chunk too.
func (p *outputPool) reuse(o *output) {
	p.bytes -= o.n
	o.n, o.head.start, o.head.end = 0, 0, 0
	if len(p.outs)+p.kept < chunksKeep {
		p.outs = append(p.outs, o)
	}
}

func (p *outputPool) chunk() *chunk {
	c := p.chunks
	if c == nil {
		return &chunk{}
	}
	p.chunks, c.next = c.next, nil
	p.kept--
	return c
}

func (p *outputPool) freeChunk(c *chunk) {
	if c.file != nil {
		_ = c.file.Close() // the file was only read, so the error has no meaning
		c.file = nil
	}
	if len(p.outs)+p.kept >= chunksKeep {
		return
	}
	c.start, c.end = 0, 0
	c.next, p.chunks = p.chunks, c
	p.kept++
}

// add copies p to the end of the output.
func (o *output) add(pool *outputPool, p []byte) {
	o.n += len(p)
	pool.bytes += len(p)
	for len(p) > 0 {
		if o.tail == nil || o.tail.end == chunkSize || o.tail.file != nil {
			o.push(pool, pool.chunk())
		}
		k := copy(o.tail.b[o.tail.end:], p)
		o.tail.end += k
		p = p[k:]
	}
}

func (o *output) push(pool *outputPool, c *chunk) {
	if o.tail == nil {
		o.head = c
	} else {
		o.tail.next, c.at = c, pool.k.Now()
	}
	o.tail = c
}

// addFile adds n bytes of a file to the end of the output.
func (o *output) addFile(pool *outputPool, f *os.File, offset int64, n int) {
	o.n += n
	pool.bytes += n
	o.files++
	c := pool.chunk()
	c.file, c.offset, c.end = f, offset, n
	o.push(pool, c)
}

// skip drops the first n bytes, which the kernel has accepted.
func (o *output) skip(pool *outputPool, n int) {
	o.n -= n
	pool.bytes -= n
	for o.head != nil {
		c := o.head
		k := min(n, c.end-c.start)
		c.start += k
		n -= k
		if c.start < c.end {
			return
		}
		if o.head = c.next; o.head == nil {
			o.tail = nil
		}
		if c.file != nil {
			o.files--
		}
		pool.freeChunk(c)
	}
}

// pieces appends the bytes of chunks to v, up to the first file, and up to the capacity of v.
func (o *output) pieces(v [][]byte) [][]byte {
	for c := o.head; c != nil && c.file == nil && len(v) < cap(v); c = c.next {
		v = append(v, c.b[c.start:c.end])
	}
	return v
}
