package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Handler serves one Conn. The loop calls its methods, so a method that blocks stops every
// connection of the loop.
//
// A Handler may also have any of these methods. The Conn looks for them when it needs them:
//
//	Opened(c *Conn)                     // the Conn is accepted or connected; before the first Data
//	EOF(c *Conn)                        // end of input; without it, the Conn flushes and closes
//	Drained(c *Conn)                    // output fell from above the high mark to the low mark
//	Timeout(c *Conn, kind TimeoutKind)  // a deadline has passed; nothing is closed
//	Shutdown(c *Conn)                   // the Reactor drains, and closes the Conn after this call
type Handler interface {
	// Data receives p. The bytes are in the loop's buffer and valid until Data returns.
	Data(c *Conn, p []byte)
	// Closed is the last call, and comes once. The descriptor is already closed, so LocalAddr
	// returns nil. RemoteAddr still works. err is nil after an orderly close and ErrAborted after
	// Abort. Any other err is what closed the Conn or kept it from opening.
	Closed(c *Conn, err error)
}

// These are the optional parts of a Handler. A line such as "var _ DrainHandler = (*handler)(nil)"
// finds a misspelt method.
type (
	// An OpenHandler is called once the Conn is accepted or connected, before the first Data.
	OpenHandler interface{ Opened(c *Conn) }
	// An EOFHandler is called at the end of input. Without it the Conn closes then.
	EOFHandler interface{ EOF(c *Conn) }
	// A DrainHandler is called when output has fallen to the low-water mark after it was above the
	// high-water mark.
	DrainHandler interface{ Drained(c *Conn) }
	// A TimeoutHandler is called when a deadline has passed. Nothing is closed.
	TimeoutHandler interface {
		Timeout(c *Conn, kind TimeoutKind)
	}
	// A ShutdownHandler is called when the Reactor drains, for its last output. When Shutdown
	// returns, the Conn closes. Shutdown is not called before the Conn is open.
	ShutdownHandler interface{ Shutdown(c *Conn) }
)

// A Conn is one stream connection on the loop. It holds a registration (w) and the output that the
// kernel has not accepted yet (out).
//
// Only the loop touches a Conn. The exceptions are w.r and opt: they never change, and Post and
// PostSend read them on any goroutine.
type Conn struct {
	//	flag or field  set by                       cleared by                     excludes
	//	dialling       Dial                         a connect that succeeds        sawEOF sentFIN blocked
	//	                                                                           outputFailed inStep
	//	                                                                           readPending endPending
	//	sawEOF         a read of 0 bytes            -                              dialling
	//	wantFIN        CloseWrite                   -                              a later Send
	//	sentFIN        the flush that empties out,  -                              dialling, out
	//	               with wantFIN or closing
	//	closing        Close                        -                              paused, throttled, any
	//	                                                                           callback but Closed
	//	released       tearDown, Detach             -                              a descriptor, out,
	//	                                                                           an armed timer
	//	paused         Pause                        Resume, Close                  closing
	//	throttled      out above the high mark      Close, a failed write,         closing, outputFailed
	//	                                            an Event at the low mark
	//	blocked        a write of a part of out     a write of all of out,         dialling, outputFailed,
	//	                                            a failed write                 an empty out
	//	inStep         read, readKept               the same, before they flush    dialling
	//	flushPending   flushLater, which lists the  flushStep
	//	               Conn in r.flushPending
	//	outputFailed   a failed write or shutdown   -                              dialling, out, blocked,
	//	                                                                           throttled
	//	readPending    readNextTurn, which lists    the next turn, which reads     dialling
	//	               the Conn in r.readPending
	//	endPending     an Event with End, Err, Hup  a read that fails with EAGAIN  dialling
	//	w.fd, w.gen    accept, each connect         tearDown, Detach, a connect    released
	//	                                            that fails
	//	w.want         watch, at the end of a step  as wants says
	//	handler        accept, Dial, Attach,        -                              nil after accept
	//	               SetHandler
	//	out            Send, Wire.Send              a write of all of it,          released, sentFIN,
	//	                                            a failed write, tearDown       outputFailed
	//	in             KeepInput, WithProxy, Attach -                              its bytes: released
	//	deadlines      SetX, Close, failed write    -
	//	dialing        Dial                         a connect that succeeds        nil while dialling
	//	opened, peer   accept, a connect that       -                              dialling
	//	               succeeds
	//	bytesIn        read                         -                              dialling
	//	bytesOut       flushOne, wrote              -                              dialling
	//
	// Output that is neither blocked nor waiting for a connect is flushed in the present step. So such
	// a Conn has the flag inStep or flushPending. A race build checks the table after each step
	// (state_race.go).

	w         Watch // the fields that every message touches come first, in few cache lines
	state     connState
	opened    uint32 // when it was accepted or connected, in ageUnits of the loop's age
	handler   Handler
	out       *output      // nil while empty
	filter    *filterState // nil unless WithFilters
	in        *Input       // nil unless KeepInput, WithProxy or Attach
	deadlines *deadlines   // nil until a deadline is set or the Conn closes
	opt       *sockOptions
	bytesIn   uint64 // received and sent on the wire
	bytesOut  uint64
	dialing   *dialing  // nil once connected
	listener  *Listener // accepted the Conn; nil if dialled
	peer      peerAddr  // from accept or connect: the kernel forgets it when the peer resets
	value     any
}

// connState is a set of flags. Conn has their table.
type connState uint16

const (
	dialling     connState = 1 << iota // no connection yet: output waits
	sawEOF                             // the peer's FIN has been read
	wantFIN                            // CloseWrite: a FIN follows the output
	sentFIN                            // shutdown(SHUT_WR) is done
	closing                            // Close: flush, FIN, discard input, close
	released                           // the descriptor is closed or detached
	paused                             // Pause was called
	throttled                          // back-pressure: no reading until the output has fallen
	blocked                            // the kernel has refused output: Out is wanted
	inStep                             // the present step is this Conn's read; it flushes at its end
	flushPending                       // in the list of Conns to flush when the step ends
	outputFailed                       // writing has failed; input is still read to its end
	readPending                        // in the list of Conns to read in the next turn
	endPending                         // read on until EAGAIN or EOF: a FIN or urgent byte is there
)

func (c *Conn) is(s connState) bool { return c.state&s != 0 }

// setHandler sets the handler, which must have Timeout if accept has set a deadline.
func (c *Conn) setHandler(h Handler) {
	c.handler = h
	c.checkTimeoutHandler()
}

// wants returns the interest that the Conn's state calls for.
func (c *Conn) wants() (want poller.Interest) {
	if c.is(dialling) {
		return poller.Out
	}
	reads := c.is(closing) || // read and discard
		!c.is(paused|throttled) || c.filterOpening() || c.awaitsHeader()
	if reads && !c.is(sawEOF) {
		want = poller.In
	}
	if c.is(blocked | throttled) { // only an Event ends the throttling, even if out is empty
		return want | poller.Out
	}
	if want != 0 && c.opt.edge {
		want |= poller.Edge // the kernel checks a level-triggered descriptor twice per Event
	}
	return want
}

// watch changes the registration to what the state calls for.
func (c *Conn) watch() {
	if want := c.wants(); want != c.w.want && !c.is(released) {
		if err := c.w.set(want); err != nil {
			c.tearDown(err)
		}
	}
}

// ready handles an Event. On Err and Hup it only tries the operation that the Conn wants: the
// system call then returns the error.
func (c *Conn) ready(i poller.Readiness) {
	if c.is(dialling) {
		c.dialing.connected()
		c.checkState()
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
	c.checkState()
}

// Buffered returns how many bytes of output wait: Send has accepted them, but the kernel has not.
func (c *Conn) Buffered() (n int) {
	if c.out != nil {
		n = c.out.n
	}
	if c.filter != nil {
		n += len(c.filter.beforeReady)
	}
	return n
}

// Value returns the value that SetValue has set, nil at first.
func (c *Conn) Value() any { return c.value }

// SetValue keeps one value of user code with the Conn.
func (c *Conn) SetValue(v any) { c.value = v }

// Reactor returns the loop that the Conn lives on.
func (c *Conn) Reactor() *Reactor { return c.w.r }

// FD returns the descriptor, -1 before it exists and once it is closed. The Conn still owns it.
// Detach returns it to the caller.
func (c *Conn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}
