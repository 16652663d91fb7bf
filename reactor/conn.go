package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Handler serves one Conn. The loop calls its methods. A method that blocks stops all connections
// of the loop.
//
// A Handler may also have any of these methods. The Conn looks for a method when it needs it:
//
//	Opened(c *Conn)                     // the Conn is accepted or connected; before the first Data
//	EOF(c *Conn)                        // end of input; without this method, the Conn flushes and closes
//	Drained(c *Conn)                    // output was above the high-water mark, and is at the low one
//	Timeout(c *Conn, kind TimeoutKind)  // a deadline has passed; the Conn stays open
//	Shutdown(c *Conn)                   // the Reactor drains, and closes the Conn after this call
type Handler interface {
	// Data receives p. The bytes are in the loop's buffer, and they are valid until Data returns.
	Data(c *Conn, p []byte)
	// Closed is the last call for the Conn, and is made once. The descriptor is already closed, so
	// LocalAddr returns nil. RemoteAddr still works. After an orderly close err is nil, and after
	// Abort it is ErrAborted. Any other err is the reason why the Conn was closed or could not be
	// opened.
	Closed(c *Conn, err error)
}

// These interfaces are the optional parts of a Handler. A line such as "var _ DrainHandler =
// (*handler)(nil)" makes the compiler find a misspelt method.
type (
	// An OpenHandler has the method Opened. It is called when the Conn is accepted or connected,
	// before the first Data.
	OpenHandler interface{ Opened(c *Conn) }
	// An EOFHandler has the method EOF. It is called at the end of input. Without this method, the
	// Conn closes at the end of input.
	EOFHandler interface{ EOF(c *Conn) }
	// A DrainHandler has the method Drained. It is called when the output has fallen to the
	// low-water mark, after it was above the high-water mark.
	DrainHandler interface{ Drained(c *Conn) }
	// A TimeoutHandler has the method Timeout. It is called when a deadline has passed. The Conn
	// stays open.
	TimeoutHandler interface {
		Timeout(c *Conn, kind TimeoutKind)
	}
	// A ShutdownHandler has the method Shutdown. It is called when the Reactor drains, so that the
	// Conn can send its last output. After the call the Conn closes. Shutdown is called only if the
	// Conn is open.
	ShutdownHandler interface{ Shutdown(c *Conn) }
)

// A Conn is one stream connection on the loop. It consists of a registration (w) and the output
// that the kernel has not accepted yet (out).
//
// Only the loop uses a Conn, with two exceptions: w.r and opt never change, and Post and PostSend
// read them on any goroutine.
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
	// Output that waits neither for the kernel (blocked) nor for a connect is flushed in the
	// present step. Until then the Conn has the flag inStep or flushPending. Race builds check the
	// table after each step (state_race.go).

	w         Watch // fields that every message uses come first, so that they are in few cache lines
	state     connState
	opened    uint32 // when it was accepted or connected, as the loop's age in ageUnits
	handler   Handler
	out       *output      // nil if there is no output
	filter    *filterState // nil without WithFilters and StartFilter
	in        *Input       // nil without KeepInput, WithProxy and Attach
	deadlines *deadlines   // nil until a deadline is set or the Conn closes
	opt       *sockOptions
	bytesIn   uint64 // the bytes received and sent, as they are on the wire
	bytesOut  uint64
	dialing   *dialing  // nil when the Conn is connected
	listener  *Listener // the Listener that has accepted the Conn; nil if it was dialled
	peer      peerAddr  // stored, because the kernel forgets it when the peer resets
	value     any
}

// connState is a set of flags. The table of the flags is at Conn.
type connState uint16

const (
	dialling     connState = 1 << iota // the Conn is not connected yet; output waits
	sawEOF                             // the peer's FIN was read
	wantFIN                            // CloseWrite: a FIN follows the output
	sentFIN                            // shutdown(SHUT_WR) was called
	closing                            // Close was called: flush, send FIN, discard input, close
	released                           // the descriptor is closed or detached
	paused                             // Pause was called
	throttled                          // back-pressure: no reading until the output has fallen
	blocked                            // the kernel has refused output, so the Conn waits for Out
	inStep                             // the loop is reading the Conn, and flushes it afterwards
	flushPending                       // in the list of Conns that are flushed at the end of the step
	outputFailed                       // writing has failed; input is read to its end
	readPending                        // in the list of Conns that the next turn reads
	endPending                         // a FIN or urgent byte has arrived: read until EAGAIN or EOF
)

func (c *Conn) is(s connState) bool { return c.state&s != 0 }

// setHandler sets the handler. If accept has set a deadline, the handler must have the method
// Timeout.
func (c *Conn) setHandler(h Handler) {
	c.handler = h
	c.checkTimeoutHandler()
}

// wants returns the interest that the present state of the Conn needs.
func (c *Conn) wants() (want poller.Interest) {
	if c.is(dialling) {
		return poller.Out
	}
	reads := c.is(closing) || // while closing, input is read and discarded
		!c.is(paused|throttled) || c.filterOpening() || c.awaitsHeader()
	if reads && !c.is(sawEOF) {
		want = poller.In
	}
	if c.is(blocked | throttled) { // only an Event ends the throttling, even without output
		return want | poller.Out
	}
	if want != 0 && c.opt.edge {
		want |= poller.Edge // the kernel checks a level-triggered descriptor twice for each Event
	}
	return want
}

// watch makes the registration equal to wants.
func (c *Conn) watch() {
	if want := c.wants(); want != c.w.want && !c.is(released) {
		if err := c.w.set(want); err != nil {
			c.tearDown(err)
		}
	}
}

// ready handles an Event. On Err and Hup it only tries the operation that the Conn wants. The
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
	if i&poller.Out != 0 {
		c.flush()
		c.unthrottle()
	}
	if i&poller.In != 0 && c.w.want&poller.In != 0 {
		c.read()
	}
	c.checkState()
}

// Buffered returns how many bytes of output Send has accepted and the kernel has not.
func (c *Conn) Buffered() (n int) {
	if c.out != nil {
		n = c.out.n
	}
	if c.filter != nil {
		n += len(c.filter.beforeReady)
	}
	return n
}

// Value returns the value that SetValue has stored, or nil.
func (c *Conn) Value() any { return c.value }

// SetValue stores a value of user code in the Conn.
func (c *Conn) SetValue(v any) { c.value = v }

// Reactor returns the loop to which the Conn belongs.
func (c *Conn) Reactor() *Reactor { return c.w.r }

// FD returns the descriptor. It returns -1 if the Conn has no descriptor yet or is closed. The
// descriptor still belongs to the Conn. To get it, call Detach.
func (c *Conn) FD() int {
	if c.w.gen == 0 {
		return -1
	}
	return int(c.w.fd)
}
