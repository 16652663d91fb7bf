package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// read receives once, at most the size of the loop's buffer. More input waits for the next turn. A
// read that does not fill the buffer has emptied the socket, so there is no second call that would
// return EAGAIN. An Event with End is the exception: more input may follow the short read, and no
// further Event reports it.
func (c *Conn) read() {
	r := c.w.r
	if c.is(readPending) { // readPendingConns reads it, or the Conn would be read twice in one turn
		return
	}
	if c.filter != nil && c.filter.inputKept && (!c.is(closing) || c.awaitsFilter()) {
		c.readKept()
		return
	}
	if r.budget.bytes <= 0 { // the turn's budget is spent; a level-triggered Event comes again
		if c.w.want&poller.Edge != 0 {
			c.readNextTurn()
		}
		return
	}
	if c.in != nil && (!c.is(closing) || c.awaitsFilter()) {
		switch {
		case c.awaitsHeader():
			c.in.proxied.receive(c)
			return
		case c.hasEarly():
			c.readEarly()
			return
		}
	}
	var n int
	var e kernel.Errno
	if c.opt.tcp { // receive, without a call
		n, e = r.k.Recv(int(c.w.fd), r.buf.P, 0)
	} else {
		n, e = c.receive()
	}
	// If an urgent byte is there, the first call may return EAGAIN although data follows: see wait
	// in internal/desc.
	if e == kernel.EAGAIN && c.is(endPending) {
		n, e = c.receive()
	}
	switch {
	case c.is(released): // the handler's Rights has closed it
	case e == kernel.EAGAIN:
		c.state &^= endPending // any later input is a new edge
	case e != 0:
		c.tearDown(callError("recv", e))
	case n == 0:
		c.readEOF()
	default:
		r.often.bytesIn += uint64(n)
		c.bytesIn += uint64(n)
		if r.trace.read != nil {
			r.traceRead(c, n)
		}
		r.budget.bytes -= n
		if c.w.want&poller.Edge != 0 && (n == len(r.buf.P) || c.is(endPending)) {
			c.readNextTurn()
		}
		if c.deadlines != nil {
			c.deadlines.noteTraffic(c, true)
		}
		if !c.is(closing) || c.awaitsFilter() {
			r.often.reads++
			c.state |= inStep
			if c.in == nil && c.filter == nil { // input, without two calls
				c.handler.Data(c, r.buf.P[:n])
			} else {
				c.input(r.buf.P[:n])
			}
			c.state &^= inStep
			c.finishStep()
		}
	}
}

// readNextTurn makes the next turn read again, because the kernel reports an edge only once.
func (c *Conn) readNextTurn() {
	if !c.is(readPending) {
		c.state |= readPending
		c.w.r.readPending.add(c)
	}
}

// readPendingConns reads n Conns of the list. It skips a Conn that does not want input: when the
// Conn wants input again, the new registration reports what is there.
func (r *Reactor) readPendingConns(n int) {
	for r.budget.bytes = bytesPerTurn; n > 0 && r.budget.bytes > 0; n-- {
		c := r.readPending.take()
		c.state &^= readPending
		if c.w.gen != 0 && c.w.want&poller.In != 0 {
			r.rereading = c
			if r.times.on {
				r.slow.calls++
				r.slow.last = &c.w
			}
			r.dispatch(&c.w, poller.In)
		}
	}
	r.rereading = nil
}

// readEOF handles the end of input: the peer's FIN.
func (c *Conn) readEOF() {
	c.state |= sawEOF
	c.w.r.traceRead(c, 0)
	c.watch()
	switch {
	case c.is(released): // its registration could not be changed
	case c.is(closing) && !c.awaitsFilter():
		c.flushLater()
	case c.is(outputFailed):
		c.tearDown(c.deadlines.outputErr)
	case c.filter != nil:
		c.filter.f.EOF()
	default:
		c.deliverEOF()
	}
}

// deliverEOF calls the handler's EOF. Without an EOFHandler it closes the Conn.
func (c *Conn) deliverEOF() {
	if h, ok := c.handler.(EOFHandler); ok {
		h.EOF(c)
		return
	}
	c.Close()
}

// Pause stops reading until Resume; writing continues. A paused Conn with nothing to write costs no
// CPU time. It also notices nothing, not even a reset.
func (c *Conn) Pause() error {
	if c.is(released | closing) {
		return ErrClosed
	}
	c.state |= paused
	c.watch()
	return nil
}

// Resume reads again. It does not lift back-pressure.
func (c *Conn) Resume() error {
	if c.is(released | closing) {
		return ErrClosed
	}
	c.state &^= paused
	c.watch()
	if c.holdsInput() {
		c.readNextTurn()
	}
	return nil
}
