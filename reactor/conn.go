package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Handler is told what happens on one Conn. Its methods run on the loop: what blocks in them
// blocks everything.
//
// It may also have any of these, which are looked up once, when the Conn opens:
//
//	Opened(c *Conn)                     // accepted or connected; before the first Data
//	EOF(c *Conn)                        // the peer sends no more; without this method: flush what was sent, close
//	Drained(c *Conn)                    // output is down at the low-water mark after it was above the high one
//	Timeout(c *Conn, kind TimeoutKind)  // a deadline has passed; nothing is closed
type Handler interface {
	// Data has read p, which is the loop's buffer and valid until Data returns.
	Data(c *Conn, p []byte)
	// Closed comes last and once; the descriptor is gone, and LocalAddr with it, not RemoteAddr.
	// err is nil if the Conn was closed in order, ErrAborted after Abort, else what ended it or
	// kept it from opening.
	Closed(c *Conn, err error)
}

// These are the optional parts of a Handler. A line such as "var _ DrainHandler = (*handler)(nil)"
// finds a misspelt method.
type (
	// An OpenHandler is called once the Conn is accepted or connected, before the first Data.
	OpenHandler interface{ Opened(c *Conn) }
	// An EOFHandler is called when the peer sends no more. Without it the Conn is closed then.
	EOFHandler interface{ EOF(c *Conn) }
	// A DrainHandler is called when output has fallen to the low-water mark after it was above the
	// high one.
	DrainHandler interface{ Drained(c *Conn) }
	// A TimeoutHandler is called when a deadline has passed. Nothing is closed.
	TimeoutHandler interface {
		Timeout(c *Conn, kind TimeoutKind)
	}
)

// A Conn is one stream connection on the loop: a Watch, edge-triggered where that is safe and while
// nothing waits to be written, and the output that the kernel has not taken.
type Conn struct {
	w         Watch // what every message touches comes first, in as few cache lines as it goes
	state     connState
	handler   Handler
	out       *output      // nil while empty
	filter    *filterState // nil unless WithFilters
	deadlines *deadlines   // nil until a deadline is set or the Conn closes
	opt       *sockOptions
	dialing   *dialing  // nil unless Dial is still at it
	listener  *Listener // who accepted it, nil if dialled
	peer      Addr      // as accept or connect had it: the kernel forgets it when the peer resets
	value     any
}

// connState is a set of what has happened to a Conn. doc/design.md has the table: who sets a flag,
// who clears it, and what it excludes.
type connState uint16

const (
	dialling     connState = 1 << iota // no connection yet: output only gathers
	sawEOF                             // the peer's FIN has been read
	wantFIN                            // CloseWrite: a FIN follows the output
	sentFIN                            // shutdown(WR) is done
	closing                            // Close: no more calls but Closed; flush, FIN, discard, close
	released                           // the descriptor is gone
	paused                             // by Pause
	throttled                          // by back-pressure: output went above the high-water mark
	blocked                            // the kernel refused output: Out is wanted
	flushPending                       // in the reactor's list of what the present step has to flush
	outputFailed                       // output failed: what is readable is still read
	readPending                        // in the reactor's list of what the next turn reads
	endPending                         // a FIN or an urgent byte is there: read on until EAGAIN or that is seen
	hasEOF                             // what the handler has
	hasDrained
	hasTimeout
)

func (c *Conn) is(s connState) bool { return c.state&s != 0 }

// setHandler learns what the handler can.
func (c *Conn) setHandler(h Handler) {
	c.handler = h
	if _, ok := h.(EOFHandler); ok {
		c.state |= hasEOF
	}
	if _, ok := h.(DrainHandler); ok {
		c.state |= hasDrained
	}
	if _, ok := h.(TimeoutHandler); ok {
		c.state |= hasTimeout
	}
	c.checkTimeoutHandler()
}

// wants is the interest that the Conn's state asks for.
func (c *Conn) wants() (want poller.Interest) {
	if c.is(dialling) {
		return poller.Out
	}
	if !c.is(sawEOF) && (c.is(closing) || !c.is(paused|throttled) || c.filterOpening()) { // closing: read and discard
		want = poller.In
	}
	if c.is(blocked | throttled) { // pressed: only an Event relieves it, also when the kernel has taken everything
		return want | poller.Out
	}
	if want != 0 && c.opt.edge {
		want |= poller.Edge // level-triggered, the kernel looks twice at every descriptor that it tells of
	}
	return want
}

// watch makes the registration what the state asks for.
func (c *Conn) watch() {
	if want := c.wants(); want != c.w.want && !c.is(released) {
		if err := c.w.set(want); err != nil {
			c.tearDown(err)
		}
	}
}

// ready is an Event. Err and Hup are hints to try what is wanted: the call tells what is the
// matter.
func (c *Conn) ready(i poller.Readiness) {
	if c.is(dialling) {
		c.connected()
		return
	}
	if i&(poller.Err|poller.Hup|poller.End) != 0 {
		c.state |= endPending
		i |= poller.In
		if i&(poller.Err|poller.Hup) != 0 {
			i |= poller.Out
		}
		if i&poller.Err != 0 {
			kernel.DropErrors(c.w.r.k, int(c.w.fd), packetBatch)
		}
	}
	i &= poller.Readiness(c.w.want)
	if i&poller.Out != 0 {
		c.flush()
		c.unthrottle()
	}
	if i&poller.In != 0 && c.w.want&poller.In != 0 {
		c.read()
	}
}

// Buffered is how many bytes Send has accepted that the kernel has not yet taken.
func (c *Conn) Buffered() (n int) {
	if c.out != nil {
		n = c.out.n
	}
	if c.filter != nil {
		n += len(c.filter.beforeReady)
	}
	return n
}

// Value and SetValue keep one value of the user's with the Conn.
func (c *Conn) Value() any     { return c.value }
func (c *Conn) SetValue(v any) { c.value = v }

// Reactor is the loop that the Conn lives on.
func (c *Conn) Reactor() *Reactor { return c.w.r }

// FD is the descriptor, -1 when there is none (yet or any more). It stays the Conn's: see Detach.
func (c *Conn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}
