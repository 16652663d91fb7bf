package reactor

import "errors"

// A Filter converts the bytes between the wire and the Handler. TLS is a Filter (netconn.WithTLS).
// The loop calls its methods, one at a time. A Filter uses the Conn through its Wire, and not
// through the methods of the Conn.
//
// When the Filter calls Wire.Ready, the Conn is open. Before that, output of the Handler is
// collected, as it is before a connect. After that, the limits and Buffered count the bytes that
// wait for the wire.
type Filter interface {
	// Open is the first call. It is made when the connection is established.
	Open()
	// Input receives p, which belongs to the loop. If the Filter cannot deliver all of it now, it
	// must keep the rest: see Wire.CanDeliver.
	Input(p []byte)
	// More continues with the input that the Filter has kept. It returns whether input is left.
	More() (left bool)
	// EOF is called at the end of the wire's input.
	EOF()
	// Output sends p. It must not keep p.
	Output(p []byte) error
	// Finish sends the last bytes of the Filter. It is called once, after the last Output.
	Finish()
	// Closed is the last call. It is made when the Conn has ended, which may happen while the
	// Filter calls a method of its Wire.
	Closed()
}

// WithFilters gives every Conn a Filter of its own, which is made before its Handler. Listen and
// Dial call factory, and return its error. For Listen, server is true. The function that factory
// returns is called for each Conn and makes the Filter.
func WithFilters(factory func(server bool) (func(w *Wire) Filter, error)) SocketOption {
	return socketOption(func(o *sockOptions) (err error) {
		if factory == nil {
			return errors.New("reactor: WithFilters(nil)")
		}
		switch o.op {
		case "listen packet":
			return errors.New("reactor: WithFilters is for streams, not for listen packet")
		case "attach":
			return errors.New("reactor: WithFilters is for Listen and Dial: after Attach, call StartFilter")
		}
		if o.filter, err = factory(o.op == "listen"); err == nil && o.filter == nil {
			err = errors.New("reactor: WithFilters: the function returned nil; return a function that makes a Filter")
		}
		return err
	})
}

// filterState is the state of a Conn that has a Filter.
type filterState struct {
	wire         Wire
	f            Filter
	beforeReady  []byte // output of the Handler before the Filter was ready
	ready        bool
	inputKept    bool  // the Filter keeps input that the Conn did not accept yet
	finishCalled bool  // Finish was called
	finishBytes  int   // how many bytes Finish has sent, which are not from the Handler
	eofDelivered bool  // EOF was delivered to the Handler
	failErr      error // the argument of Wire.Fail
}

var errFiltered = errors.New("reactor: detach: the Conn has a Filter, and its new owner would get the bytes of the wire")

// attachFilter makes the Conn's Filter. It panics if the function that makes it returns nil.
func (c *Conn) attachFilter() {
	if c.opt.filter != nil {
		c.makeFilter(c.opt.filter)
	}
}

func (c *Conn) makeFilter(f func(w *Wire) Filter) {
	c.filter = &filterState{wire: Wire{c}}
	defer func() {
		if c.filter.f == nil {
			c.filter = nil
		}
	}()
	if c.filter.f = f(&c.filter.wire); c.filter.f == nil {
		panic("reactor: the function of WithFilters or StartFilter returned nil; return a Filter that passes all bytes")
	}
}

// filterOpening returns whether the Conn has a Filter that is not ready yet.
func (c *Conn) filterOpening() bool { return c.filter != nil && !c.filter.ready }

// awaitsFilter returns whether the Conn waits for its Filter to become ready. While it waits, even
// a closing Conn passes input to the Filter.
func (c *Conn) awaitsFilter() bool { return c.filterOpening() && c.filter.failErr == nil }

// Filter returns the Filter of the Conn, or nil if there is none.
func (c *Conn) Filter() Filter {
	if c.filter == nil {
		return nil
	}
	return c.filter.f
}

// input passes received bytes to the Filter or, without a Filter, to the Handler.
func (c *Conn) input(p []byte) {
	if c.filter == nil {
		c.deliver(p)
		return
	}
	c.filter.f.Input(p)
}

// readKept makes the Filter continue with the input that it has kept. It replaces a read. If the
// Filter keeps no input any more, the next turn reads.
func (c *Conn) readKept() {
	c.state |= inStep
	if c.filter.inputKept = c.filter.f.More(); !c.filter.inputKept && !c.is(released) {
		c.readNextTurn()
	}
	c.filter.wire.scheduleMore()
	c.state &^= inStep
	c.finishStep()
}

// output does the work of Send for a Conn with a Filter.
func (c *Conn) output(p []byte) error {
	f := c.filter
	if !f.ready {
		f.beforeReady = append(f.beforeReady, p...)
		c.w.r.outputs.bytes += len(p)
		return nil
	}
	var err error
	lost, sent, waiting := c.w.r.count.Undelivered, c.bytesOut, uint64(c.Buffered())
	// A panic of the Filter closes this Conn, and not the Conn whose callback calls Send.
	c.w.r.guard(c, func() { err = f.f.Output(p) })
	if err != nil {
		return err
	}
	if c.is(released | outputFailed) { // p was not accepted, so only earlier output is lost
		c.w.r.rare().Undelivered = lost + waiting - min(waiting, c.bytesOut-sent)
		return c.sendable(0)
	}
	return nil
}

// finishFilter makes the Filter send its last bytes, if a FIN is to follow. It returns false if the
// Filter is not ready for that.
func (c *Conn) finishFilter() bool {
	f := c.filter
	if f == nil || f.finishCalled || !c.is(wantFIN|closing) {
		return true
	}
	if f.failErr == nil {
		if !f.ready {
			return false // CloseWrite was called before Ready
		}
		f.finishCalled = true
		c.w.r.guard(c, f.f.Finish)
	}
	f.finishCalled = true
	return true
}

// dropBeforeReady drops output that was sent before the Filter was ready.
func (c *Conn) dropBeforeReady() {
	c.w.r.rare().Undelivered += uint64(len(c.filter.beforeReady))
	c.w.r.outputs.bytes -= len(c.filter.beforeReady)
	c.filter.beforeReady = nil
}

// A Wire is what a Filter uses to act on its Conn.
type Wire struct{ c *Conn }

// Conn returns the Conn.
func (w *Wire) Conn() *Conn { return w.c }

// Send sends p on the wire. It accepts all of p, because the limits were checked when the Handler
// sent. If the connection breaks, the Conn reports the error to the Handler.
func (w *Wire) Send(p []byte) {
	c := w.c
	if c.filter.finishCalled {
		c.filter.finishBytes += len(p)
	}
	if len(p) > 0 && !c.is(released|outputFailed|sentFIN) {
		_ = c.transmit(p) // the Conn stores the error
	}
}

// Ready opens the Conn. The output that the Handler has already sent goes to the Filter, and Opened
// is called.
func (w *Wire) Ready() {
	c := w.c
	f := c.filter
	if f.ready || f.failErr != nil || c.is(released) {
		return
	}
	f.ready = true
	if early := f.beforeReady; len(early) > 0 {
		f.beforeReady = nil
		c.w.r.outputs.bytes -= len(early)
		if err := c.output(early); err != nil { // Closed reports a broken connection
			c.w.r.rare().Undelivered += uint64(len(early))
		}
		if len(early) > c.opt.high && !c.is(released|closing|outputFailed) {
			c.setThrottled(true) // the Handler may have seen Buffered above the mark, and waits for Drained
		}
	}
	if c.is(wantFIN | closing) {
		c.flushLater()
	}
	c.watch()
	if o, ok := c.handler.(OpenHandler); ok && !c.is(closing|released) {
		c.w.r.guard(c, func() { o.Opened(c) })
	}
}

// CanDeliver returns whether the Handler accepts input now.
func (w *Wire) CanDeliver() bool { return !w.c.is(released | closing | paused | throttled) }

// Keep reports that the Filter keeps input, with which More will continue. If CanDeliver is true,
// the Filter keeps the input because its budget for this turn is used up. Then the next turn calls
// More.
func (w *Wire) Keep() {
	w.c.filter.inputKept = true
	w.scheduleMore()
}

// Spend subtracts bytes from the byte budget of the turn. A Filter calls it if the work on input
// costs more than the read. When the budget is used up, the next turn reads the other Conns.
func (w *Wire) Spend(bytes int) { w.c.w.r.budget.bytes -= bytes }

// scheduleMore makes the next turn call More, if the Filter keeps input and can continue.
func (w *Wire) scheduleMore() {
	if c := w.c; c.filter.inputKept && (w.CanDeliver() || c.awaitsFilter() && !c.is(released)) {
		c.readNextTurn()
	}
}

// Deliver passes input to the Handler.
func (w *Wire) Deliver(p []byte) {
	if c := w.c; !c.is(released | closing) {
		// If Deliver is called in a posted function, the guard of that function knows no Conn. This
		// guard makes a panic of the Handler close this Conn.
		c.w.r.guard(c, func() { c.deliver(p) })
	}
}

// EOF reports the end of input to the Handler. A second call does nothing.
func (w *Wire) EOF() {
	c := w.c
	if c.filter.eofDelivered || c.is(released|closing) {
		return
	}
	c.filter.eofDelivered = true
	c.w.r.guard(c, c.deliverEOF)
}

// Fail closes the Conn. The output of the Filter is still sent. Closed gets err.
func (w *Wire) Fail(err error) {
	c := w.c
	if c.is(released) || c.is(closing) && !c.awaitsFilter() || c.filter.failErr != nil {
		return
	}
	c.filter.failErr = err
	c.dropBeforeReady()
	if c.is(closing) {
		c.flushLater()
		return
	}
	_ = c.Close() // always returns nil here
}

// Scratch returns memory of the loop, 16 KiB. A Filter may store input there and pass it to
// Deliver.
func (w *Wire) Scratch() []byte {
	r := w.c.w.r
	if r.scratch == nil {
		r.scratch = make([]byte, 16<<10)
	}
	return r.scratch
}
