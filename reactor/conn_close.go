package reactor

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// quietTime limits how long a closing Conn waits for the peer's FIN, if the peer has acknowledged
// all output. If the peer has sent nothing for that time, the Conn closes without the FIN.
const quietTime = 100 * time.Millisecond

// CloseWrite sends a FIN after the output. The Conn still reads.
func (c *Conn) CloseWrite() error {
	switch {
	case c.is(released | closing):
		return ErrClosed
	case c.is(outputFailed):
		return c.deadlines.outputErr
	}
	c.state |= wantFIN
	c.flushLater()
	return nil
}

// Close closes the Conn in order. It flushes the output and sends a FIN. Then it reads and discards
// input until the peer's FIN, or until the peer has acknowledged all output and has been quiet for
// 100 ms. (A close with unread input would make the kernel send RST, which destroys output on its
// way.) After Close the only callback is Closed. A second call does nothing.
//
// If the Conn is not connected yet, or its Filter is not ready, Close waits until the output can be
// flushed. Without output, such a Conn closes at once.
func (c *Conn) Close() error {
	switch {
	case c.is(released | closing):
		return nil
	case c.is(outputFailed):
		c.tearDown(c.deadlines.outputErr)
		return nil
	case (c.is(dialling) || c.awaitsFilter()) && c.Buffered() == 0:
		c.tearDown(ErrClosed)
		return nil
	}
	c.state |= closing
	c.state &^= paused
	c.setThrottled(false)
	c.flushLater()
	return nil
}

// shutdown is called when the Reactor drains. It closes the Conn.
func (c *Conn) shutdown() {
	h, ok := c.handler.(ShutdownHandler)
	if ok && !c.is(dialling|closing|released) && !c.filterOpening() && !c.awaitsHeader() {
		c.w.r.guard(c, func() { h.Shutdown(c) })
	}
	c.Close()
}

// Abort closes the Conn at once. Buffered output is lost, and a TCP peer sees RST. Closed gets
// ErrAborted. If the Conn is closed already, Abort does nothing.
func (c *Conn) Abort() error {
	if !c.is(released) {
		c.reset()
		c.tearDown(ErrAborted)
	}
	return nil
}

// reset makes the next close send RST. Sockets other than TCP have no RST and ignore this.
func (c *Conn) reset() {
	if c.w.gen != 0 {
		_ = c.w.r.k.SetOptBytes(int(c.w.fd), kernel.SOL_SOCKET, kernel.SO_LINGER, lingerZero)
	}
}

// flushStep ends the step for a Conn of the list flushPending. Such a Conn has output to flush, or
// a close to continue.
func (c *Conn) flushStep() {
	c.state &^= flushPending
	c.finishStep()
	c.checkState()
}

// finishStep flushes the output of the step, and continues a CloseWrite or Close.
func (c *Conn) finishStep() {
	if c.is(released | dialling) {
		return
	}
	if c.in != nil {
		c.in.settle()
	}
	said := c.filter == nil || c.finishFilter()
	if c.out != nil && !c.is(blocked) && !c.flushOne() {
		c.flushChunks()
	}
	if c.out == nil && said && c.is(wantFIN|closing) && !c.is(released) {
		c.finish()
	}
	if c.is(closing) && !c.is(released) {
		c.linger()
	}
}

// finish is called when there is no output. It sends the FIN, or ends the Conn.
func (c *Conn) finish() {
	if c.is(closing) && (c.is(sawEOF) || c.filter != nil && c.filter.eofDelivered) {
		// Both sides have finished their output. With a Filter, such as TLS, the peer has announced
		// the end inside the stream, so its FIN may come later.
		c.tearDown(nil)
		return
	}
	if !c.is(sentFIN | outputFailed) {
		if e := c.w.r.k.Shutdown(int(c.w.fd), kernel.SHUT_WR); e != 0 {
			c.failOutput(callError("shutdown", e))
			return
		}
		c.state |= sentFIN
	}
}

// linger waits for the peer's FIN, or until the peer has acknowledged all output and is quiet.
func (c *Conn) linger() {
	c.watch()
	if !c.is(released) {
		c.ensureDeadlines().linger(c)
	}
}

// tearDown closes the descriptor and releases everything else. Closed is called when the step ends.
// Del must come before close. Otherwise a duplicate of the descriptor would keep the registration.
func (c *Conn) tearDown(err error) {
	if c.is(released) {
		return
	}
	r := c.w.r
	c.setThrottled(false)
	c.state |= released
	if c.filter != nil {
		if c.filter.failErr != nil { // the Filter's error came first and is the cause
			err = c.filter.failErr
		}
	}
	if r.draining && err != nil {
		c.countUndelivered()
	}
	c.keepEnd(err)
	if c.out != nil {
		c.reset() // with a FIN, the truncated output would look complete
	}
	c.dropOutput()
	if c.in != nil {
		c.in.drop()
	}
	if c.deadlines != nil {
		r.timers.Stop(&c.deadlines.t)
	}
	c.stopDialling()
	c.closeFD()
	r.conns--
	r.closedCalls.add(closedCall{c, err})
	if c.filter != nil {
		c.dropBeforeReady()
		r.guard(c, c.filter.f.Closed)
	}
	c.checkState()
}

// closeFD closes the descriptor, if the Conn has one.
func (c *Conn) closeFD() {
	if c.w.gen == 0 {
		return
	}
	c.w.drop()
	if e := kernel.CloseAtOnce(c.w.r.k, int(c.w.fd)); e != 0 {
		c.w.r.closeFailed(int(c.w.fd), e)
	}
}

// callClosed calls Closed, which is the last callback. The Listener counts the Conn until Closed
// has returned. So with WithMaxConns(1) there are never two handlers at the same time, not even on
// two loops.
func (c *Conn) callClosed(err error) {
	if c.listener != nil {
		defer c.listener.connClosed()
	}
	r := c.w.r
	closed := func() { c.handler.Closed(c, err) }
	if r.trace.all.Close != nil {
		orExit(func() { r.traceClose(c, err) }, func() { r.guard(c, closed) })
	}
	r.guard(c, closed)
}

// Detach removes the connection from the loop. It returns the descriptor, which is still
// non-blocking, and the output that the kernel has not accepted. After Detach no callback is
// called, not even Closed.
//
// If CloseWrite was called before, Detach sends the FIN. If output waits in front of the FIN,
// Detach returns an error instead. The bytes of the Conn's Input are lost, so consume them before.
func (c *Conn) Detach() (fd int, unsent []byte, err error) {
	if c.is(released|closing|dialling) || c.w.gen == 0 {
		return -1, nil, ErrClosed
	}
	if c.filter != nil {
		return -1, nil, errFiltered
	}
	if c.out != nil && !c.is(blocked) {
		c.flush()
	}
	switch {
	case c.is(outputFailed):
		return -1, nil, c.deadlines.outputErr
	case c.is(released): // watch could not change the registration, and has closed the Conn
		return -1, nil, ErrClosed
	case c.is(wantFIN) && c.out != nil:
		return -1, nil, errOwesFIN
	case c.out != nil && c.out.files > 0:
		return -1, nil, errOwesFile
	case c.is(wantFIN) && !c.is(sentFIN):
		if c.finish(); c.is(outputFailed) {
			return -1, nil, c.deadlines.outputErr
		} else if c.is(released) {
			return -1, nil, ErrClosed
		}
	}
	for c.out != nil && c.out.n > 0 {
		b := c.out.head.b[c.out.head.start:c.out.head.end]
		unsent = append(unsent, b...)
		c.out.skip(&c.w.r.outputs, len(b))
	}
	if c.out != nil {
		c.w.r.outputs.free(c.out)
		c.out = nil
	}
	c.setThrottled(false)
	c.state |= released
	if c.in != nil {
		c.in.drop()
	}
	if c.deadlines != nil {
		c.w.r.timers.Stop(&c.deadlines.t)
	}
	fd = int(c.w.fd)
	c.w.drop()
	c.w.r.conns--
	if c.listener != nil {
		c.listener.connClosed()
	}
	return fd, unsent, nil
}
