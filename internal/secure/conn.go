package secure

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Conn is TLS over a Desc: a call of crypto/tls is the try of the law, so that turns, deadlines and the ways to wait
// are the Desc's. Its methods may be called by whoever may call on the Desc.
type Conn struct {
	d             *desc.Desc
	k             kernel.Kernel // the Desc's, or the one below it
	s             *Session
	local, remote net.Addr
	shaken        atomic.Bool // the handshake is over
	stopped       atomic.Bool // the Desc is closed

	in     sync.Mutex    // the right to use what of s reads; never held in a wait
	short  bool          // the last recv took all there was; with in
	recvs  atomic.Uint32 // how many recvs have read something
	polled atomic.Bool   // Ready may have taken a record out for the next Read

	mu  sync.Mutex // guards the rest: also a reader may have something to send
	out []byte     // records that the kernel has not taken
	end bool       // close_notify is said
}

const (
	maxRecord = 16 << 10 // how much of a Write is taken at once: what of its record the kernel refuses waits here
	maxOut    = 64 << 10 // with more than this here nothing is read: a peer that never reads may want answers (KeyUpdate)
)

// NewConn makes one; k is what moves the bytes.
func NewConn(d *desc.Desc, k kernel.Kernel, local, remote net.Addr, cfg *tls.Config, server bool) *Conn {
	c := &Conn{d: d, k: k, local: local, remote: remote}
	c.s = New((*fdWire)(c), cfg, server)
	d.AddHook(&desc.Hook{F: c.stop}) // or the coroutine would outlive the descriptor; closed already: the first call tells
	return c
}

// stop ends the Session's coroutine: here, or by whoever uses the Session now, which may be the caller (from a callback of
// the config's).
func (c *Conn) stop() {
	c.stopped.Store(true)
	c.stopIfFree()
}

func (c *Conn) stopIfFree() {
	if c.in.TryLock() {
		c.s.Stop()
		c.in.Unlock()
	}
}

// release is the end of a use of what reads.
func (c *Conn) release() {
	c.in.Unlock()
	if c.stopped.Load() {
		c.stopIfFree()
	}
}

// Handshake is one part of a call: it ends by the same deadline, and, since it reads and writes, by the Desc's deadlines for
// both directions. The error is an Errno if the call failed by one.
func (c *Conn) Handshake(call *desc.Call) error {
	if !c.shaken.Load() {
		if err := c.shakeHands(call); err != nil {
			return err
		}
	}
	if !c.s.Ready() {
		return reason(c.s.err)
	}
	return nil
}

func (c *Conn) shakeHands(call *desc.Call) error {
	call.Both = true
	defer func() { call.Both = false }()
	for !c.shaken.Load() {
		over := false
		var err error
		_, e := c.d.Do(desc.In, call, func() (int, desc.Errno) {
			if over, err = c.shake(); over || c.pending() {
				return 0, 0 // who waits for the peer's answer sends first what that answers
			}
			return 0, kernel.EAGAIN
		})
		if c.tell(call, e); e == 0 {
			e = c.flushAll(call)
		}
		if over && err != nil {
			return reason(err)
		}
		if e != 0 {
			return e
		}
	}
	return nil
}

// shake goes on with the handshake as far as it goes without waiting.
func (c *Conn) shake() (over bool, err error) {
	c.in.Lock()
	defer c.release()
	if err = c.s.Handshake(); err == ErrAgain {
		return false, nil
	}
	c.shaken.Store(true)
	return true, err
}

// Read gives what one record has, io.EOF at the peer's close_notify. ENOBUFS: the peer wants answers and takes none.
func (c *Conn) Read(call *desc.Call, p []byte) (int, error) {
	r, err := c.Reads(call)
	if err != nil {
		return 0, err
	}
	n, e := c.d.Do(desc.In, call, func() (int, desc.Errno) { return r.Recv(p, 0) })
	if err = r.End(e); err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

// A Reading is a Call of one or more reads.
type Reading struct {
	c    *Conn
	call *desc.Call
	err  error
}

// Reads makes the handshake and begins a Reading, which ends with End.
func (c *Conn) Reads(call *desc.Call) (Reading, error) {
	if err := c.Handshake(call); err != nil {
		return Reading{}, err
	}
	call.More = c.d.ShortIsAll && !c.polled.Load()
	return Reading{c: c, call: call}, nil
}

// Recv is one try of the Call: 0, 0 is the peer's close_notify. It is a desc.Receive; the flags mean nothing.
func (r *Reading) Recv(p []byte, _ int) (n int, e desc.Errno) {
	n, r.call.All, r.err = r.c.take(p)
	switch {
	case n > 0, r.err == io.EOF: // an error that came with bytes comes again
		return n, 0
	case r.err == ErrAgain:
		return 0, kernel.EAGAIN
	}
	return 0, failed
}

// End is why the Call, of which Do has returned e, has failed.
func (r *Reading) End(e desc.Errno) error {
	r.call.More, r.call.All = false, false // the Call may go on with something else
	r.c.tell(r.call, e)
	switch e {
	case 0:
		return nil
	case failed:
		return reason(r.err)
	}
	return e
}

// failed ends a try whose error is no Errno. No system has an error of this number.
const failed desc.Errno = 1 << 16

// tell has those who wait look again after a call that has read without a turn: it may have taken from the kernel what an
// Event would have told them of, and left it in crypto/tls.
func (c *Conn) tell(call *desc.Call, e desc.Errno) {
	if e == 0 && !call.Limit.Blocks() {
		c.d.Tell(desc.In)
	}
}

// take tells also whether that was all there was, in the kernel and in crypto/tls.
func (c *Conn) take(p []byte) (n int, all bool, err error) {
	c.in.Lock()
	defer c.release()
	if c.owes() {
		return 0, false, kernel.ENOBUFS
	}
	n, err = c.s.Read(p)
	c.flush() // a KeyUpdate is answered from there; what is refused goes with the next Write
	return n, c.short && c.s.Emptied(n, len(p)), err
}

// owes tells whether too much has to be sent before more may be read.
func (c *Conn) owes() bool {
	c.mu.Lock()
	owes := len(c.out) > maxOut
	c.mu.Unlock()
	return owes && c.flush() != 0
}

// Write sends p, in one turn, so that what others write is not mixed with it. What of the last record the kernel has not
// taken when a call ends by EAGAIN or ETIMEDOUT counts as sent and goes with the next call: nothing is lost, and nothing is
// sent twice.
func (c *Conn) Write(call *desc.Call, p []byte) (n int, err error) {
	if err := c.Handshake(call); err != nil {
		return 0, err
	}
	n, e := c.d.Pour(call, p, func(p []byte) (k int, e desc.Errno) {
		if e := c.flush(); e != 0 || len(p) == 0 {
			return 0, e
		}
		if k, err = c.s.Write(p[:min(len(p), maxRecord)]); err != nil {
			return k, failed
		}
		return k, c.flush()
	})
	switch {
	case e == failed:
		return n, reason(err)
	case e == kernel.EAGAIN && n == len(p) && n > 0:
		return n, nil
	case e != 0:
		return n, e
	}
	return n, nil
}

// CloseWrite says close_notify and ends the stream.
func (c *Conn) CloseWrite(call *desc.Call) error {
	if err := c.Handshake(call); err != nil {
		return err
	}
	_, e := c.d.Do(desc.Out, call, func() (int, desc.Errno) { // after what others write
		c.farewell()
		if e := c.flush(); e != 0 {
			return 0, e
		}
		return 0, c.k.Shutdown(c.d.FD, kernel.SHUT_WR)
	})
	if e != 0 {
		return e
	}
	return nil
}

// farewell says close_notify, if there is a connection to end; what of it the kernel refuses is in out. As all that sends,
// it is for a try or Use: then the descriptor is open.
func (c *Conn) farewell() {
	c.mu.Lock()
	said := c.end
	c.end = true
	c.mu.Unlock()
	if !said && c.shaken.Load() && c.s.Ready() {
		_ = c.s.CloseWrite() // who has no connection any more needs none
	}
}

// Bye is a last word, without waiting, before the descriptor is closed.
func (c *Conn) Bye() {
	c.d.Use(func(int) desc.Errno {
		c.farewell()
		return c.flush()
	})
}

// State is what the handshake has agreed on; false before that.
func (c *Conn) State() (tls.ConnectionState, bool) {
	if !c.shaken.Load() || !c.s.Ready() {
		return tls.ConnectionState{}, false
	}
	return c.s.State(), true
}

// pending tells whether something has to be sent.
func (c *Conn) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out) > 0
}

// flushAll sends what is pending.
func (c *Conn) flushAll(call *desc.Call) desc.Errno {
	if !c.pending() {
		return 0
	}
	_, e := c.d.Do(desc.Out, call, func() (int, desc.Errno) { return 0, c.flush() })
	return e
}

// flush sends what the kernel takes; EAGAIN if that is not all.
func (c *Conn) flush() desc.Errno {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 {
		n, e := c.k.Send(c.d.FD, c.out, 0)
		if e != 0 {
			return e
		}
		if c.out = c.out[n:]; len(c.out) == 0 {
			c.out = nil
		}
	}
	return 0
}

// fdWire is the descriptor as the Session's wire. It is used inside a try only, so the descriptor is open.
type fdWire Conn

func (w *fdWire) Read(p []byte) (int, error) {
	n, e := w.k.Recv(w.d.FD, p, 0)
	if e != kernel.EAGAIN {
		w.recvs.Add(1)
	}
	w.short = n < len(p)
	switch {
	case e == kernel.EAGAIN:
		return 0, ErrAgain
	case e != 0:
		return 0, w.failed(e)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (w *fdWire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	if len(w.out) == 0 {
		var e desc.Errno
		if n, e = w.k.Send(w.d.FD, p, 0); e != 0 && e != kernel.EAGAIN {
			return 0, w.failed(e)
		}
	}
	w.out = append(w.out, p[n:]...)
	return len(p), nil
}

// failed is the kernel's error, which crypto/tls keeps for later calls.
func (w *fdWire) failed(e desc.Errno) error {
	if e == kernel.ETIMEDOUT {
		w.d.Dead()
	}
	return e
}

func (w *fdWire) LocalAddr() net.Addr  { return w.local }
func (w *fdWire) RemoteAddr() net.Addr { return w.remote }

// reason is an Errno where crypto/tls has one inside.
func reason(err error) error {
	if err == ErrStopped { // only Close does that
		return kernel.EBADF
	}
	if e, ok := errnoOf(err); ok {
		return e
	}
	return err
}

// Ready tells what would not wait, going on with the handshake, with what has come and with what is pending: In where a
// Read gives something, an end or an error, Out where a Write takes at least a byte. Err and Hup are the descriptor's.
// It is exact, for it takes the records that make a difference, of which a call that waits is told. took: it has read from
// the kernel, so that an Event that others wait for may not come.
func (c *Conn) Ready(want poller.Interest) (ready poller.Interest, took bool, e desc.Errno) {
	before := c.recvs.Load()
	c.polled.Store(true)
	e = c.d.Use(func(fd int) desc.Errno {
		raw, e := c.k.Ready(fd)
		if e != 0 {
			return e
		}
		ready = raw & (poller.Err | poller.Hup)
		ended := c.flush()
		if !c.shaken.Load() {
			c.shake()
			c.flush()
		}
		if !c.shaken.Load() {
			return 0
		}
		if !c.s.Ready() {
			ready |= want
			return 0
		}
		if want&poller.In != 0 && c.buffered() {
			ready |= poller.In
		}
		if want&poller.Out != 0 && (ended != 0 && ended != kernel.EAGAIN || !c.pending()) { // else a Write takes a record
			ready |= poller.Out
		}
		return 0
	})
	if took = c.recvs.Load() != before; took {
		c.d.Tell(desc.In)
	}
	return ready, took, e
}

// buffered tells whether a Read would give something.
func (c *Conn) buffered() bool {
	c.in.Lock()
	defer c.release()
	if c.owes() {
		return true
	}
	_, err := c.s.Peek()
	c.flush()
	return err != ErrAgain
}
