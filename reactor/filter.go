package reactor

import "errors"

// A Filter transforms the bytes between the wire and the Handler: TLS is one (netconn.WithTLS). Its
// methods are called on the loop, one at a time. A Filter acts on the Conn through its Wire, not
// through the Conn's own methods. The Conn is open when the Filter has called Wire.Ready. Before
// Wire.Ready, output of the Handler is collected, as before a connect. After Wire.Ready, the limits
// and Buffered count the bytes that wait for the wire.
type Filter interface {
	// Open is the first call: the connection is established.
	Open()
	// Input receives p, which belongs to the loop. The Filter keeps the part that it cannot
	// deliver now: see Wire.CanDeliver.
	Input(p []byte)
	// More continues with the input that was kept. It returns whether some is still left.
	More() (left bool)
	// EOF reports the end of the wire's input.
	EOF()
	// Output sends p, which it must not keep.
	Output(p []byte) error
	// Finish is called once, after all Output. It sends the Filter's last bytes.
	Finish()
	// Closed is the last call: the Conn has ended. It may come inside a call of the Filter to its
	// Wire.
	Closed()
}

// WithFilters gives every Conn a Filter of its own, made before its Handler. Listen (with server
// true) and Dial call factory, and return its error. The function that factory returns makes the
// Filters.
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
			err = errors.New("reactor: WithFilters: the function returned nil; nothing would stand between wire and Handler")
		}
		return err
	})
}

// filterState is the part of a Conn that has a Filter.
type filterState struct {
	wire         Wire
	f            Filter
	beforeReady  []byte // sent before the Filter was ready
	ready        bool
	inputKept    bool  // the Filter holds input that the Conn did not want yet
	finishCalled bool  // Finish was called
	finishBytes  int   // bytes that Finish sent, which are not the Handler's
	eofDelivered bool  // EOF was delivered to the Handler
	failErr      error // the argument of Wire.Fail
}

var errFiltered = errors.New("reactor: a Conn with a Filter cannot be detached: what is on the wire is not what its owner sees")

// attachFilter makes the Conn's Filter. It panics if the function of WithFilters returns none.
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
		panic("reactor: the function of WithFilters or StartFilter returned no Filter; return one that passes everything on")
	}
}

// filterOpening returns whether the Conn has a Filter that is not ready yet.
func (c *Conn) filterOpening() bool { return c.filter != nil && !c.filter.ready }

// awaitsFilter returns whether the Filter may still become ready. A closing Conn with output waits
// until the Filter is ready.
func (c *Conn) awaitsFilter() bool { return c.filterOpening() && c.filter.failErr == nil }

// Filter returns the Filter that the function of WithFilters has made for the Conn, or nil.
func (c *Conn) Filter() Filter {
	if c.filter == nil {
		return nil
	}
	return c.filter.f
}

// input passes the bytes that were read to the Filter or the Handler.
func (c *Conn) input(p []byte) {
	if c.filter == nil {
		c.deliver(p)
		return
	}
	c.filter.f.Input(p)
}

// readKept continues with the input that the Filter has kept, in place of a read. If nothing is
// left, the next turn reads.
func (c *Conn) readKept() {
	c.state |= inStep
	if c.filter.inputKept = c.filter.f.More(); !c.filter.inputKept && !c.is(released) {
		c.readNextTurn()
	}
	c.filter.wire.scheduleMore()
	c.state &^= inStep
	c.finishStep()
}

// output is a Send on a Conn with a Filter.
func (c *Conn) output(p []byte) error {
	f := c.filter
	if !f.ready {
		f.beforeReady = append(f.beforeReady, p...)
		c.w.r.outputs.bytes += len(p)
		return nil
	}
	var err error
	lost, sent, waiting := c.w.r.count.Undelivered, c.bytesOut, uint64(c.Buffered())
	// A panic closes this Conn, not the Conn whose callback sends.
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

// finishFilter makes the Filter send its last bytes. It returns whether the Filter has done so.
func (c *Conn) finishFilter() bool {
	f := c.filter
	if f == nil || f.finishCalled || !c.is(wantFIN|closing) {
		return true
	}
	if f.failErr == nil {
		if !f.ready {
			return false // CloseWrite was called before the Filter was ready
		}
		f.finishCalled = true
		c.w.r.guard(c, f.f.Finish)
	}
	f.finishCalled = true
	return true
}

// dropBeforeReady drops the output that was sent before the Filter was ready.
func (c *Conn) dropBeforeReady() {
	c.w.r.rare().Undelivered += uint64(len(c.filter.beforeReady))
	c.w.r.outputs.bytes -= len(c.filter.beforeReady)
	c.filter.beforeReady = nil
}

// A Wire is a Filter's access to its Conn.
type Wire struct{ c *Conn }

// Conn is the Conn.
func (w *Wire) Conn() *Conn { return w.c }

// Send sends p on the wire. It accepts all of p, because the limits were checked when the Handler
// sent. If the connection breaks, the Conn reports it to the Handler.
func (w *Wire) Send(p []byte) {
	c := w.c
	if c.filter.finishCalled {
		c.filter.finishBytes += len(p)
	}
	switch {
	case len(p) == 0 || c.is(released|outputFailed|sentFIN):
	case len(p) > corkMax && !c.is(blocked|dialling):
		v := c.pieces()
		_ = c.writeNow(append(v, p), len(v)) // what fails is in c.times.broke
	default:
		c.cork(p)
	}
}

// Ready opens the Conn: the output that the Handler has sent so far is sent, and Opened is called.
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
			c.setThrottled(true) // the Handler may have seen Buffered above the mark and waits for Drained
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

// Keep announces that the Filter keeps input until More is called. If CanDeliver is true, the
// Filter has stopped because its budget of this turn is spent. Then the next turn calls More.
func (w *Wire) Keep() {
	w.c.filter.inputKept = true
	w.scheduleMore()
}

// Spend charges the turn's budget with so many bytes, for work on input that costs more than the
// read. When the budget is spent, the next turn reads the remaining Conns.
func (w *Wire) Spend(bytes int) { w.c.w.r.budget.bytes -= bytes }

// scheduleMore makes the next turn call More if the Filter keeps input and can continue.
func (w *Wire) scheduleMore() {
	if c := w.c; c.filter.inputKept && (w.CanDeliver() || c.awaitsFilter() && !c.is(released)) {
		c.readNextTurn()
	}
}

// Deliver passes input to the Handler.
func (w *Wire) Deliver(p []byte) {
	if c := w.c; !c.is(released | closing) {
		// If a posted function calls Deliver, the outer guard knows no Conn. So the guard here
		// names this Conn, and a panic of its Handler closes it.
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

// Fail closes the Conn in order: the Filter's output is still sent. Closed gets err.
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

// Scratch returns scratch space of the loop, 16 KiB, for input that is passed to Deliver.
func (w *Wire) Scratch() []byte {
	r := w.c.w.r
	if r.scratch == nil {
		r.scratch = make([]byte, 16<<10)
	}
	return r.scratch
}
