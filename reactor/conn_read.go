package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// read takes what is there, at most the loop's buffer: what is more waits for the next turn. A read
// that does not fill the buffer has taken all, so the call that only says EAGAIN is saved — but
// where the Event has told End: what is behind it is still to come, and no Event tells of it again.
func (c *Conn) read() {
	r := c.w.r
	if c.is(readPending) { // readAgain comes: an Event beside that would double what the Conn gets in a turn
		return
	}
	if c.filter != nil && c.filter.inputKept && (!c.is(closing) || c.awaitsFilter()) {
		c.readKept()
		return
	}
	if r.budget.bytes <= 0 { // the turn has had its share; a level-triggered Event comes again
		if c.w.want&poller.Edge != 0 {
			c.readNextTurn()
		}
		return
	}
	n, e := r.k.Recv(int(c.w.fd), r.buf.P, 0)
	if e == kernel.EAGAIN && c.is(endPending) { // it may only have had a signal to take, before an urgent byte: see desc's wait
		n, e = r.k.Recv(int(c.w.fd), r.buf.P, 0)
	}
	switch {
	case e == kernel.EAGAIN:
		c.state &^= endPending // whatever comes now is a new edge
	case e != 0:
		c.tearDown(callError("recv", e))
	case n == 0:
		c.readEOF()
	default:
		r.count.BytesIn += uint64(n)
		r.budget.bytes -= n
		if c.w.want&poller.Edge != 0 && (n == len(r.buf.P) || c.is(endPending)) {
			c.readNextTurn()
		}
		if c.deadlines != nil {
			c.deadlines.noteTraffic(c, true)
		}
		if !c.is(closing) || c.awaitsFilter() {
			r.count.Reads++
			c.state |= inStep
			c.input(r.buf.P[:n])
			c.state &^= inStep
			c.finishStep()
		}
	}
}

// readNextTurn has the next turn read again: an edge is told once.
func (c *Conn) readNextTurn() {
	if !c.is(readPending) {
		c.state |= readPending
		c.w.r.readPending.add(c)
	}
}

// readPendingConns is the turn's part of that. Whoever is not to be read now is told anew when that
// changes.
func (r *Reactor) readPendingConns(n int) {
	for r.budget.bytes = bytesPerTurn; n > 0 && r.budget.bytes > 0; n-- {
		c := r.readPending.take()
		c.state &^= readPending
		if c.w.gen != 0 && c.w.want&poller.In != 0 {
			r.rereading = c
			r.dispatch(&c.w, poller.In)
		}
	}
	r.rereading = nil
}

// readEOF is the peer's FIN.
func (c *Conn) readEOF() {
	c.state |= sawEOF
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

// deliverEOF tells the handler that no more input comes; the default is to close.
func (c *Conn) deliverEOF() {
	if h, ok := c.handler.(EOFHandler); ok {
		h.EOF(c)
		return
	}
	c.Close()
}

// Pause stops reading until Resume; writing goes on. A paused Conn with nothing to write costs
// nothing and hears nothing, not even a reset.
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
	if c.filter != nil && c.filter.inputKept {
		c.readNextTurn()
	}
	return nil
}
