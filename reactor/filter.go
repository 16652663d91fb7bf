package reactor

import "errors"

// A Filter stands between what is on the wire and what the Handler sees and sends: TLS is one (netconn.WithTLS). Its
// methods are called on the loop, never two at once; what it does to the Conn it does through its Wire, not through the
// Conn's own methods. Until Wire.Ready the Conn opens: what the Handler sends gathers, as before a connect. From then on the Conn keeps its promises: limits and Buffered count what waits for the wire.
type Filter interface {
	// Open begins: the connection is there.
	Open()
	// Input has read p, which is the loop's. What of it cannot be delivered now (see Wire.Open) the Filter keeps.
	Input(p []byte)
	// More goes on with what Input has kept and tells whether some is still left.
	More() (left bool)
	// EOF is the wire's end.
	EOF()
	// Output has to be sent. p is the caller's again when it returns.
	Output(p []byte) error
	// Finish comes once after all Output: the last that there is to say.
	Finish()
	// Closed comes last: the Conn has ended. It may come from inside a call of the Filter's to its Wire.
	Closed()
}

// WithFilters gives every Conn a Filter of its own, made before the Handler is asked for. make is called by Listen
// (server) or Dial, returns what makes them, and its error is theirs.
func WithFilters(make func(server bool) (func(w *Wire) Filter, error)) SocketOption {
	return func(o *sockOptions) (err error) {
		if make == nil {
			return errors.New("reactor: WithFilters(nil)")
		}
		if o.op == "listen packet" {
			return errors.New("reactor: WithFilters is for streams, not for listen packet")
		}
		if o.filter, err = make(o.op == "listen"); err == nil && o.filter == nil {
			err = errors.New("reactor: WithFilters: the function returned nil; nothing would stand between wire and Handler")
		}
		return err
	}
}

// filtering is the part of a Conn that has a Filter.
type filtering struct {
	f        Filter
	early    []byte // sent before the Filter was ready
	ready    bool
	kept     bool  // it has input that the Conn did not want yet
	finished bool  // it has said the last
	last     int   // bytes of that: not the Handler's
	eof      bool  // the Handler knows
	failed   error // by Wire.Fail
}

var errFiltered = errors.New("reactor: a Conn with a Filter cannot be detached: what is on the wire is not what its owner sees")

// attach makes the Conn's Filter. It does not return without one.
func (c *Conn) attach() {
	if c.opt.filter == nil {
		return
	}
	c.filter = &filtering{}
	defer func() {
		if c.filter.f == nil {
			c.filter = nil
		}
	}()
	if c.filter.f = c.opt.filter((*Wire)(c)); c.filter.f == nil {
		panic("reactor: the function of WithFilters returned no Filter; return one that passes everything on")
	}
}

// opening tells whether the Filter is not ready yet.
func (c *Conn) opening() bool { return c.filter != nil && !c.filter.ready }

// awaits tells whether the Filter may still become ready: a closing Conn waits for it with what was sent.
func (c *Conn) awaits() bool { return c.opening() && c.filter.failed == nil }

// Filter is what WithFilters' function has made for the Conn, nil without that.
func (c *Conn) Filter() Filter {
	if c.filter == nil {
		return nil
	}
	return c.filter.f
}

// input shows what was read to the Filter or the Handler.
func (c *Conn) input(p []byte) {
	if c.filter == nil {
		c.h.Data(c, p)
		return
	}
	c.filter.f.Input(p)
}

// inputKept goes on with what the Filter has kept. It is the Conn's share of the turn: if nothing is left, the next turn
// reads.
func (c *Conn) inputKept() {
	c.st |= dirty
	if c.filter.kept = c.filter.f.More(); !c.filter.kept && !c.is(over) {
		c.readOn()
	}
	(*Wire)(c).goOn()
	c.settle()
}

// output is a Send on a Conn with a Filter.
func (c *Conn) output(p []byte) error {
	f := c.filter
	if !f.ready {
		f.early = append(f.early, p...)
		return nil
	}
	var err error
	c.w.r.guard(c, func() { err = f.f.Output(p) }) // a panic ends this Conn, not the one whose callback sends
	if err != nil {
		return err
	}
	if c.is(over | broken) {
		return c.sendable(0)
	}
	return nil
}

// finishFilter has the Filter say its last and tells whether it has.
func (c *Conn) finishFilter() bool {
	f := c.filter
	if f == nil || f.finished || !c.is(wantFIN|closing) {
		return true
	}
	if f.failed == nil {
		if !f.ready {
			return false // CloseWrite came early
		}
		f.finished = true
		c.w.r.guard(c, f.f.Finish)
	}
	f.finished = true
	return true
}

// dropEarly gives up what was sent before the Filter was ready.
func (c *Conn) dropEarly() {
	c.w.r.count.Undelivered += uint64(len(c.filter.early))
	c.filter.early = nil
}

// A Wire is the other side of a Conn: what its Filter speaks with.
type Wire Conn

// Conn is the Conn.
func (w *Wire) Conn() *Conn { return (*Conn)(w) }

// Send gives p to the wire. It takes everything: the limits were asked before, with what the Handler sent. What breaks the
// connection is told to the Handler by the Conn.
func (w *Wire) Send(p []byte) {
	c := (*Conn)(w)
	if c.filter.finished {
		c.filter.last += len(p)
	}
	switch {
	case len(p) == 0 || c.is(over|broken|sentFIN):
	case len(p) > corkMax && !c.is(blocked|dialling):
		v := c.pieces()
		_ = c.push(append(v, p), len(v)) // what fails is in c.times.broke
	default:
		c.cork(p)
	}
}

// Ready ends the opening: what the Handler has sent so far goes out, and Opened is called.
func (w *Wire) Ready() {
	c := (*Conn)(w)
	f := c.filter
	if f.ready || f.failed != nil || c.is(over) {
		return
	}
	f.ready = true
	if early := f.early; len(early) > 0 {
		f.early = nil
		_ = c.output(early) // a Filter that is ready takes it; what breaks the connection is told by Closed
		if len(early) > c.opt.high && !c.is(over|closing) {
			c.st |= pressed // whoever has seen Buffered above the mark waits for Drained
		}
	}
	if c.is(wantFIN | closing) {
		c.mark()
	}
	c.watch()
	if o, ok := c.h.(opener); ok && !c.is(closing|over) {
		c.w.r.guard(c, func() { o.Opened(c) })
	}
}

// Open tells whether the Handler may be given input now.
func (w *Wire) Open() bool { return !(*Conn)(w).is(over | closing | paused | pressed) }

// Keep says that the Filter keeps input until More. If Open is true, that is in the next turn: the Filter has had its share
// of this one.
func (w *Wire) Keep() {
	(*Conn)(w).filter.kept = true
	w.goOn()
}

// Spend has the turn pay for work on input that costs more than to read it, as so many bytes. When the turn has had its
// share of bytes, the Conns that are left are read in the next.
func (w *Wire) Spend(bytes int) { w.w.r.may.bytes -= bytes }

// goOn has the next turn call More if the Filter keeps something and nothing else will.
func (w *Wire) goOn() {
	if c := (*Conn)(w); c.filter.kept && (w.Open() || c.awaits() && !c.is(over)) {
		c.readOn()
	}
}

// Deliver gives input to the Handler.
func (w *Wire) Deliver(p []byte) {
	if c := (*Conn)(w); !c.is(over | closing) {
		c.w.r.guard(c, func() { c.h.Data(c, p) }) // a Filter may deliver in a posted function, which is nobody's
	}
}

// EOF is the end of the Handler's input; again is nothing.
func (w *Wire) EOF() {
	c := (*Conn)(w)
	if c.filter.eof || c.is(over|closing) {
		return
	}
	c.filter.eof = true
	c.w.r.guard(c, c.ended)
}

// Fail closes the Conn in order — what the Filter has sent still goes out — and has Closed told why.
func (w *Wire) Fail(err error) {
	c := (*Conn)(w)
	if c.is(over) || c.is(closing) && !c.awaits() || c.filter.failed != nil {
		return
	}
	c.filter.failed = err
	c.dropEarly()
	if c.is(closing) {
		c.mark()
		return
	}
	_ = c.Close() // has no error to tell
}

// Room is scratch space of the loop's, 16 KiB, for what is given to Deliver.
func (w *Wire) Room() []byte {
	r := w.w.r
	if r.room == nil {
		r.room = make([]byte, 16<<10)
	}
	return r.room
}
