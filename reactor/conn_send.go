package reactor

import (
	"errors"
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

const (
	corkMax   = 4 * 1024  // a Send of up to this size is copied and waits for the end of the step
	corkTotal = 64 * 1024 // output of this size is not kept until the end of the step
	corkConns = 32        // if so many Conns wait for the end of the step, other Conns do not wait
)

// Send sends p and never blocks. It buffers the bytes that the kernel does not accept now. While a
// Dial is not connected, it buffers all bytes. The caller may reuse p when Send returns. Send
// accepts all of p, or it returns an error and accepts nothing. The errors are ErrBuffered (more
// than the Conn's limit would be buffered), ErrClosed, ErrWriteClosed, and an earlier error of the
// output.
func (c *Conn) Send(p []byte) error {
	if err := c.sendable(len(p)); err != nil || len(p) == 0 {
		return err
	}
	if c.filter != nil {
		return c.output(p)
	}
	return c.transmit(p)
}

// transmit sends or buffers p. The limits were checked before, and p is not empty.
func (c *Conn) transmit(p []byte) error {
	if len(p) > corkMax && c.sendsNow() {
		v := c.pieces()
		return c.writeNow(append(v, p), len(v))
	}
	c.cork(p)
	return nil
}

// Write is Send as a method of io.Writer. n is len(p), or 0 if there is an error.
func (c *Conn) Write(p []byte) (n int, err error) {
	if err := c.Send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SendV sends the pieces in their order. They are accepted or refused together, like the p of Send.
func (c *Conn) SendV(pieces ...[]byte) error {
	total := 0
	for _, p := range pieces {
		total += len(p)
	}
	if err := c.sendable(total); err != nil || total == 0 {
		return err
	}
	if c.filter != nil {
		for _, p := range pieces {
			if err := c.output(p); err != nil {
				return err
			}
		}
		return nil
	}
	if total > corkMax && c.sendsNow() {
		if v := c.pieces(); len(v)+len(pieces) <= cap(v) {
			return c.writeNow(append(v, pieces...), len(v))
		}
	}
	lost, begun := c.w.r.count.Undelivered, uint64(0)
	for _, p := range pieces {
		c.cork(p)
		begun += uint64(len(p))
		if !c.is(released | outputFailed) {
			continue
		}
		// A flush has failed. If it has sent no byte of the pieces, the pieces count as refused.
		if n := c.w.r.count.Undelivered - lost; n >= begun {
			c.w.r.rare().Undelivered -= begun
			return c.sendable(0)
		}
		c.w.r.rare().Undelivered += uint64(total) - begun
		return nil
	}
	return nil
}

// PostSend is a Send that any goroutine may call. It copies p, and the loop sends the copy in its
// next turn. A call allocates nothing. PostSend returns ErrFull and ErrClosed in the same cases as
// Post. It returns EMSGSIZE if p is longer than the Conn's limit and longer than 16 MiB.
//
// If the Conn is closed before that turn, the copy is dropped. If the Send would exceed the Conn's
// limit, the Conn is aborted with ErrBuffered. A gap in the stream would be worse.
func (c *Conn) PostSend(p []byte) error {
	if most := max(c.opt.cap, postArenaMax); len(p) > most {
		return fmt.Errorf("reactor: PostSend of %d bytes: must be at most %d (see WithLimits): %w", len(p), most, kernel.EMSGSIZE)
	}
	return c.w.r.post(post{c: c, n: len(p)}, p)
}

func (c *Conn) sendPosted(p []byte) {
	if err := c.Send(p); errors.Is(err, ErrBuffered) {
		c.tearDown(err)
	}
	c.w.r.endStep()
}

func (c *Conn) sendable(n int) error {
	switch {
	case c.is(released | closing):
		return ErrClosed
	case c.is(wantFIN):
		return ErrWriteClosed
	case c.is(outputFailed):
		return c.deadlines.outputErr
	case n > c.opt.cap-c.Buffered():
		c.w.r.rare().SendsRefused++
		return fmt.Errorf("%w (%d + %d > %d)", ErrBuffered, c.Buffered(), n, c.opt.cap)
	}
	return nil
}

// sendsNow reports whether the kernel may accept a Send now, because no file is in front of it.
func (c *Conn) sendsNow() bool {
	return !c.is(blocked|dialling) && (c.out == nil || c.out.files == 0)
}

// cork copies p to the output, which is flushed at the end of the step.
func (c *Conn) cork(p []byte) {
	c.enqueue(p)
	switch {
	case c.is(dialling | blocked):
		c.throttle()
	case c.out.n >= corkTotal, !c.is(inStep) && c.w.r.flushPending.len() >= corkConns:
		// Only a few Conns may hold a chunk until the end of the step, because few chunks fit in
		// the processor's cache. A callback that sends to all Conns would otherwise need a chunk
		// for each.
		c.flush()
	default:
		// Throttle the Conn even if the flush will empty its output: the caller may have seen
		// Buffered above the mark, and may wait for Drained.
		c.throttle()
		c.flushLater()
	}
}

func (c *Conn) enqueue(p []byte) {
	pool := &c.w.r.outputs
	if c.out == nil {
		c.out = pool.output()
	}
	c.out.add(pool, p)
}

// pieces lists the chunks of the output, in memory of the loop that the next call reuses.
func (c *Conn) pieces() [][]byte {
	v := c.w.r.vec[:0]
	if c.out != nil {
		v = c.out.pieces(v)
	}
	return v
}

// writeNow sends v in one call, and buffers the bytes that the kernel does not accept. The first
// corked elements of v are chunks of the output. The others belong to the caller.
func (c *Conn) writeNow(v [][]byte, corked int) error {
	n, e := c.write(v)
	if e != 0 && e != kernel.EAGAIN {
		clear(v)
		c.failOutput(callError("send", e))
		return c.deadlines.outputErr
	}
	left := n
	if c.out != nil {
		k := min(n, c.out.n)
		c.out.skip(&c.w.r.outputs, k)
		left -= k
	}
	for _, p := range v[corked:] {
		k := min(left, len(p))
		left -= k
		if k < len(p) {
			c.enqueue(p[k:])
		}
	}
	clear(v) // the loop must not hold the caller's pieces
	c.wrote(n)
	return nil
}

// flush sends the output until the kernel does not accept more.
func (c *Conn) flush() {
	if !c.flushOne() {
		c.flushChunks()
	}
}

// flushChunks is flush for any output: several chunks, files, and output that was refused before.
func (c *Conn) flushChunks() {
	for c.out != nil && !c.is(released) {
		if c.out.head.file != nil {
			if !c.w.r.outputs.flushFile(c) {
				return
			}
			continue
		}
		v := c.pieces()
		asked := 0
		for _, p := range v {
			asked += len(p)
		}
		n, e := c.write(v)
		clear(v)
		if e != 0 && e != kernel.EAGAIN {
			c.failOutput(callError("send", e))
			return
		}
		c.out.skip(&c.w.r.outputs, n)
		if c.wrote(n); n < asked {
			return
		}
	}
}

// flushOne is flush for the usual case: the output is one chunk, and the kernel accepts all of it.
// Then only counts change. If the output is not one chunk, flushOne returns false and does nothing.
func (c *Conn) flushOne() bool {
	o := c.out
	if o == nil || o.head != o.tail || c.is(blocked) || o.files > 0 {
		return false
	}
	r, h := c.w.r, o.head
	n, e := r.k.Send(int(c.w.fd), h.b[h.start:h.end], 0)
	r.often.sends++
	if e != 0 || n < o.n {
		if e != 0 && e != kernel.EAGAIN {
			c.failOutput(callError("send", e))
		} else {
			o.skip(&r.outputs, n)
			c.wrote(n)
		}
		return true
	}
	c.out = nil
	r.outputs.reuse(o)
	r.often.bytesOut += uint64(n)
	c.bytesOut += uint64(n)
	if r.trace.send != nil {
		r.traceSend(c, n, nil)
	}
	if c.deadlines != nil {
		c.deadlines.noteTraffic(c, false)
	}
	return true
}

func (c *Conn) write(v [][]byte) (int, kernel.Errno) {
	k, fd := c.w.r.k, int(c.w.fd)
	c.w.r.often.sends++
	if len(v) == 1 {
		return k.Send(fd, v[0], 0)
	}
	return k.SendV(fd, v)
}

// wrote records that the kernel has accepted n bytes. If output remains, the socket is full. Then
// the Conn waits for Out, and does not try again before.
func (c *Conn) wrote(n int) {
	r := c.w.r
	r.often.bytesOut += uint64(n)
	c.bytesOut += uint64(n)
	if n > 0 && r.trace.send != nil {
		r.traceSend(c, n, nil)
	}
	if n > 0 && c.deadlines != nil {
		c.deadlines.noteTraffic(c, false)
	}
	if c.out != nil && c.out.n == 0 {
		r.outputs.free(c.out)
		c.out = nil
	}
	if c.out == nil {
		c.state &^= blocked
	} else {
		if n > 0 || !c.is(blocked) {
			c.out.stuck = r.k.Now()
		}
		c.state |= blocked
		r.outputs.block(c.out)
	}
	c.throttle()
	c.watch()
}

// failOutput drops the output after an error of the kernel. The Conn still reads what the peer has
// sent before, as package net does, and closes at the end of input. If the error does not mean that
// the peer has closed, the end of input might never come. So failOutput forces it with shutdown(2).
func (c *Conn) failOutput(err error) {
	if r := c.w.r; r.trace.send != nil {
		r.traceSend(c, 0, err)
	}
	c.ensureDeadlines().outputErr = err
	c.state |= outputFailed
	c.state &^= blocked
	c.setThrottled(false)
	if c.is(closing | sawEOF) {
		c.tearDown(err) // before the output is dropped, because a drain reports its size
		return
	}
	c.dropOutput()
	switch e := kernel.Number(err); e {
	case kernel.EPIPE, kernel.ECONNRESET, kernel.ENOTCONN:
	default:
		if e := c.w.r.k.Shutdown(int(c.w.fd), kernel.SHUT_RDWR); e != 0 && e != kernel.ENOTCONN {
			c.tearDown(err)
			return
		}
	}
	c.watch()
}

func (c *Conn) dropOutput() {
	if c.out != nil {
		c.w.r.rare().Undelivered += uint64(c.out.n)
		c.w.r.outputs.free(c.out)
		c.out = nil
	}
}

// flushLater puts the Conn on the list of Conns that are flushed at the end of the step. A Conn
// that is being read is not put on the list, because it is flushed when the read ends.
func (c *Conn) flushLater() {
	if !c.is(flushPending | inStep) {
		c.state |= flushPending
		c.w.r.flushPending.add(c)
	}
}
