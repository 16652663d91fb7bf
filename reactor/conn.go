package reactor

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Handler is told what happens on one Conn. Its methods run on the loop: what blocks in them blocks everything.
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
	// Closed comes last and once; the descriptor is gone, and LocalAddr with it, not RemoteAddr. err is nil if the Conn was closed in
	// order, ErrAborted after Abort, else what ended it or kept it from opening.
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

// A Conn is one stream connection on the loop: a Watch, edge-triggered where that is safe and while nothing waits to be
// written, and the output that the kernel has not taken.
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

// connState is a set of what has happened to a Conn. doc/design.md has the table: who sets a flag, who clears it, and what
// it excludes.
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

// adopt learns what the handler can.
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

// ready is an Event. Err and Hup are hints to try what is wanted: the call tells what is the matter.
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

// read takes what is there, at most the loop's buffer: what is more waits for the next turn. A read that does not fill
// the buffer has taken all, so the call that only says EAGAIN is saved — but where the Event has told End: what is
// behind it is still to come, and no Event tells of it again.
func (c *Conn) read() {
	r := c.w.r
	if c.is(readPending) { // readAgain comes: an Event beside that would double what the Conn gets in a turn
		return
	}
	if c.filter != nil && c.filter.inputKept && (!c.is(closing) || c.awaitsFilter()) {
		c.inputKept()
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
			c.state |= flushPending // so that what Data sends needs no place in the list: it leaves right here
			c.input(r.buf.P[:n])
			c.settle()
		}
	}
}

// readOn has the next turn read again: an edge is told once.
func (c *Conn) readNextTurn() {
	if !c.is(readPending) {
		c.state |= readPending
		c.w.r.readPending.add(c)
	}
}

// readAgain is the turn's part of that. Whoever is not to be read now is told anew when that changes.
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

// eof is the peer's FIN.
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

// ended tells the handler that no more input comes; the default is to close.
func (c *Conn) deliverEOF() {
	if c.is(hasEOF) {
		c.handler.(EOFHandler).EOF(c)
		return
	}
	c.Close()
}

// Pause stops reading until Resume; writing goes on. A paused Conn with nothing to write costs nothing and hears
// nothing, not even a reset.
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

// LocalAddr asks the kernel for the Conn's own address: *net.TCPAddr or *net.UnixAddr, nil when there is none.
func (c *Conn) LocalAddr() net.Addr { return c.addr(Kernel.LocalAddr) }

// RemoteAddr is the peer's address, in every callback, Closed included: the Conn remembers it. A Conn that is not yet
// connected has none: nil.
func (c *Conn) RemoteAddr() net.Addr {
	if c.peer.Family != 0 {
		return c.w.r.netAddr(c.peer, false)
	}
	return c.addr(Kernel.PeerAddr)
}

func (c *Conn) addr(ask func(Kernel, int) (Addr, kernel.Errno)) net.Addr {
	if c.w.gen == 0 || c.is(dialling) {
		return nil
	}
	a, e := ask(c.w.r.k, int(c.w.fd))
	if e != 0 {
		return nil
	}
	return c.w.r.netAddr(a, false)
}

// SetNoDelay(false) turns Nagle's algorithm on.
func (c *Conn) SetNoDelay(on bool) error {
	return c.setOpt(kernel.IPPROTO_TCP, kernel.TCP_NODELAY, btoi(on))
}

// SetKeepAlivePeriod has the kernel probe a peer that has been silent for d and every d again; 0 turns it off.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	if c.w.gen == 0 || c.is(released|closing) {
		return ErrClosed
	}
	return setKeepAlive(c.w.r.k, int(c.w.fd), d)
}

func (c *Conn) setOpt(level, name, v int) error {
	if c.w.gen == 0 || c.is(released|closing) {
		return ErrClosed
	}
	if e := c.w.r.k.SetOpt(int(c.w.fd), level, name, v); e != 0 {
		return callError("setsockopt", e)
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
