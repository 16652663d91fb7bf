package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// read receives once, at most the size of the loop's buffer. If there is more input, the next turn
// reads it. A short read has emptied the socket, so read makes no second call, which would return
// EAGAIN. After an Event with End a short read proves nothing, and no other Event may come. So read
// then makes the next turn read again.
func (c *Conn) read() {
	r := c.w.r
	if c.is(readPending) { // the list is read in this turn too, so the Conn would be read twice
		return
	}
	if c.filter != nil && c.filter.inputKept && (!c.is(closing) || c.awaitsFilter()) {
		c.readKept()
		return
	}
	if r.budget.bytes <= 0 { // a level-triggered Event comes again, an edge does not
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
	if c.opt.tcp { // receive without a function call
		n, e = r.k.Recv(int(c.w.fd), r.buf.P, 0)
	} else {
		n, e = c.receive()
	}
	// If an urgent byte has arrived, the first call may return EAGAIN although data follows: see
	// wait in internal/desc.
	if e == kernel.EAGAIN && c.is(endPending) {
		n, e = c.receive()
	}
	switch {
	case c.is(released): // the handler's Rights has closed the Conn
	case e == kernel.EAGAIN:
		c.state &^= endPending // later input causes a new edge
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
			if c.in == nil && c.filter == nil { // input without two function calls
				c.handler.Data(c, r.buf.P[:n])
			} else {
				c.input(r.buf.P[:n])
			}
			c.state &^= inStep
			c.finishStep()
		}
	}
}

// readNextTurn makes the next turn read the Conn again, because the kernel reports an edge only
// once.
func (c *Conn) readNextTurn() {
	if !c.is(readPending) {
		c.state |= readPending
		c.w.r.readPending.add(c)
	}
}

// readPendingConns reads n Conns of the list. It skips a Conn that does not want input now. When
// that Conn wants input again, its registration changes, and the kernel reports the input.
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

// readEOF handles the end of input, which is the peer's FIN.
func (c *Conn) readEOF() {
	c.state |= sawEOF
	c.w.r.traceRead(c, 0)
	c.watch()
	switch {
	case c.is(released): // watch could not change the registration, and has closed the Conn
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

// deliverEOF calls the handler's EOF. If the handler has none, deliverEOF closes the Conn.
func (c *Conn) deliverEOF() {
	if h, ok := c.handler.(EOFHandler); ok {
		h.EOF(c)
		return
	}
	c.Close()
}

// Pause stops reading until Resume. Writing continues. A paused Conn without output costs no CPU
// time. It does not notice anything either, not even a reset.
func (c *Conn) Pause() error {
	if c.is(released | closing) {
		return ErrClosed
	}
	c.state |= paused
	c.watch()
	return nil
}

// Resume ends a Pause. It does not end back-pressure.
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
