package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A Conn is TLS over a Desc: a call of crypto/tls is the try of the law, so that turns, deadlines
// and the ways to wait are the Desc's. Its methods may be called by whoever may call on the Desc.
type Conn struct {
	desc          *desc.Desc
	kernel        kernel.Kernel // the Desc's, or the one below it
	session       *Session
	local, remote net.Addr
	outer         func() net.Conn // what the user has
	handshakeDone atomic.Bool     // the handshake is over
	stopped       atomic.Bool     // the Desc is closed

	readMu       sync.Mutex    // the right to use what of s reads; never held in a wait
	unread       []byte        // was read before; with in
	recvShort    bool          // the last recv took all there was; with in
	shakes       uint32        // counts the calls of shake; with in
	recvs        atomic.Uint32 // how many recvs have read something
	peekedByPoll atomic.Bool   // Ready may have taken a record out for the next Read

	writeMu       sync.Mutex // guards the rest: also a reader may have something to send
	out           []byte     // records that the kernel has not taken
	closeNotified bool       // close_notify is said
}

const (
	maxRecord = 16 << 10 // how much of a Write is taken at once: what of its record the kernel refuses waits here
	maxOut    = 64 << 10 // with more than this here nothing is read: a peer that never reads may want answers (KeyUpdate)
)

// NewConn makes one. k moves the bytes. outer returns the connection that the user has: the
// configuration's callbacks and errors show it. It must not keep that connection alive. Input that
// was read before comes first.
func NewConn(d *desc.Desc, k kernel.Kernel, local, remote net.Addr, outer func() net.Conn, cfg *tls.Config, server bool) *Conn {
	c := &Conn{desc: d, kernel: k, local: local, remote: remote, outer: outer}
	c.session = New((*fdWire)(c), cfg, server)
	d.AddHook(&desc.Hook{F: c.stop}) // or the strand would outlive the descriptor; closed already: the first call tells
	return c
}

// Unread has p read before what the descriptor gives. It comes before all calls.
func (c *Conn) Unread(p []byte) { c.unread = p }

// ErrUnanswered is the error of a Read that does not wait, while too much waits that the peer has
// asked for and does not read.
var ErrUnanswered = errors.New("tls: the peer asks for new keys and does not read the answers")

// Read gives what one record has, io.EOF at the peer's close_notify.
func (c *Conn) Read(call *desc.Call, p []byte) (int, error) {
	if err := c.begin(call); err != nil {
		return 0, err
	}
	return c.read(call, p)
}

func (c *Conn) read(call *desc.Call, p []byte) (int, error) {
	var err error
	n, e := c.desc.Do(desc.In, call, func() (n int, e desc.Errno) {
		n, e, err = c.recv(call, p)
		return n, e
	})
	if err = c.outcome(call, err, e); err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

// Data is Read into a buffer that is not the connection's: see desc.Room and desc.Borrow.
func (c *Conn) Data(call *desc.Call) ([]byte, error) {
	if err := c.begin(call); err != nil {
		return nil, err
	}
	room, e := c.desc.Room(call)
	if e != 0 {
		return nil, e
	}
	if room == nil {
		return c.borrow(call)
	}
	n, err := c.read(call, room)
	return c.desc.Shown(room, n), err
}

// borrow is Data where callers park.
//
//go:noinline
func (c *Conn) borrow(call *desc.Call) ([]byte, error) {
	var err error
	p, e := c.desc.Borrow(call, func(p []byte, _ int) (n int, e desc.Errno) {
		n, e, err = c.recv(call, p)
		return n, e
	})
	if err = c.outcome(call, err, e); err == nil && len(p) == 0 {
		err = io.EOF
	}
	return p, err
}

// A Reading is a Call of one or more reads. Read has none: the Call would escape with the Conn.
type Reading struct {
	c    *Conn
	call *desc.Call
	err  error
}

// Reads makes the handshake and begins a Reading, which ends with End.
func (c *Conn) Reads(call *desc.Call) (Reading, error) {
	return Reading{c: c, call: call}, c.begin(call)
}

func (c *Conn) begin(call *desc.Call) error {
	if err := c.Handshake(call); err != nil {
		return err
	}
	call.NeedsNew = c.desc.ShortIsAll && !c.peekedByPoll.Load()
	return nil
}

// Recv is one try of the Call: 0, 0 is the peer's close_notify. It is a desc.Receive; the flags
// mean nothing.
func (r *Reading) Recv(p []byte, _ int) (n int, e desc.Errno) {
	n, e, r.err = r.c.recv(r.call, p)
	return n, e
}

func (c *Conn) recv(call *desc.Call, p []byte) (n int, e desc.Errno, err error) {
	if call.Limit.Blocks() && c.outputFull() {
		if e := c.drain(call); e != 0 {
			return 0, errNotErrno, e // not the try's errno: no kernel has said it of this connection
		}
	}
	var work uint8
	n, work, call.Drained, err = c.decrypt(p)
	call.Records += min(work, math.MaxUint8-call.Records) // a try may read several times
	switch {
	case n > 0, err == io.EOF: // an error that came with bytes comes again
		return n, 0, err
	case err == ErrAgain:
		return 0, kernel.EAGAIN, err
	}
	return 0, errNotErrno, err
}

// End is why the Call, of which Do has returned e, has failed.
func (r *Reading) End(e desc.Errno) error { return r.c.outcome(r.call, r.err, e) }

func (c *Conn) outcome(call *desc.Call, err error, e desc.Errno) error {
	call.NeedsNew, call.Drained = false, false // the Call may go on with something else
	c.notifyReaders(call, e)
	switch e {
	case 0:
		return nil
	case errNotErrno:
		return c.reason(err)
	}
	return e
}

// errNotErrno ends a try whose error is no Errno. No system has an error of this number.
const errNotErrno desc.Errno = 1 << 16

// notifyReaders has those who wait look again after a call that has read without a turn: it may
// have taken from the kernel what an Event would have told them of, and left it in crypto/tls.
func (c *Conn) notifyReaders(call *desc.Call, e desc.Errno) {
	if e == 0 && !call.Limit.Blocks() {
		c.desc.SetReady(desc.In)
	}
}

// decrypt reads once. work is how many records that took. all: nothing is left, neither in the
// kernel nor in crypto/tls.
func (c *Conn) decrypt(p []byte) (n int, work uint8, all bool, err error) {
	c.readMu.Lock()
	defer c.release()
	if c.outputFull() {
		return 0, 0, false, ErrUnanswered
	}
	n, err = c.session.Read(p)
	c.flush() // a KeyUpdate is answered from there; what is refused goes with the next Write
	return n, uint8(min(c.session.RecordsDone(), math.MaxUint8)), c.recvShort && c.session.Drained(n, len(p)), err
}

// outputFull tells whether too much has to be sent before more may be read.
func (c *Conn) outputFull() bool {
	c.writeMu.Lock()
	owes := len(c.out) > maxOut
	c.writeMu.Unlock()
	return owes && c.flush() != 0
}

// drain waits, in a try of the call for input, until the peer has taken what it has asked for. The
// deadlines of both directions count.
func (c *Conn) drain(call *desc.Call) desc.Errno {
	out := *call
	out.NeedsNew, out.BothDeadlines = false, true
	return c.flushAll(&out)
}

// Write sends p, in one turn, so that what others write is not mixed with it. What of the last
// record the kernel has not taken when a call ends by EAGAIN or ETIMEDOUT counts as sent and goes
// with the next call: nothing is lost, and nothing is sent twice.
func (c *Conn) Write(call *desc.Call, p []byte) (n int, err error) {
	if !c.handshakeDone.Load() {
		p = c.desc.Own(p)
	}
	if err := c.Handshake(call); err != nil {
		return 0, err
	}
	n, e := c.desc.Pour(call, p, func(p []byte) (k int, e desc.Errno) {
		if e := c.flush(); e != 0 || len(p) == 0 {
			return 0, e
		}
		if k, err = c.session.Write(p[:min(len(p), maxRecord)]); err != nil {
			return k, errNotErrno
		}
		return k, c.flush()
	})
	switch {
	case e == errNotErrno:
		return n, c.reason(err)
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
	_, e := c.desc.Do(desc.Out, call, func() (int, desc.Errno) { // after what others write
		c.sendCloseNotify()
		if e := c.flush(); e != 0 {
			return 0, e
		}
		return 0, c.kernel.Shutdown(c.desc.FD, kernel.SHUT_WR)
	})
	if e != 0 {
		return e
	}
	return nil
}

// sendCloseNotify says close_notify, if there is a connection to end; what of it the kernel refuses
// is in out. As all that sends, it is for a try or Use: then the descriptor is open.
func (c *Conn) sendCloseNotify() {
	c.writeMu.Lock()
	said := c.closeNotified
	c.closeNotified = true
	c.writeMu.Unlock()
	if !said && c.handshakeDone.Load() && c.session.Ready() {
		_ = c.session.CloseWrite() // who has no connection any more needs none
	}
}

// SendCloseNotify is a last word, without waiting, before the descriptor is closed.
func (c *Conn) SendCloseNotify() {
	c.desc.Use(func(int) desc.Errno {
		c.sendCloseNotify()
		return c.flush()
	})
}

// State is what the handshake has agreed on; false before that.
func (c *Conn) State() (tls.ConnectionState, bool) {
	if !c.handshakeDone.Load() || !c.session.Ready() {
		return tls.ConnectionState{}, false
	}
	return c.session.State(), true
}

// pending tells whether something has to be sent.
func (c *Conn) pending() bool {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	return len(c.out) > 0
}

// flushAll sends what is pending.
func (c *Conn) flushAll(call *desc.Call) desc.Errno {
	if !c.pending() {
		return 0
	}
	_, e := c.desc.Do(desc.Out, call, func() (int, desc.Errno) { return 0, c.flush() })
	return e
}

// flush sends what the kernel takes; EAGAIN if that is not all.
func (c *Conn) flush() desc.Errno {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	for len(c.out) > 0 {
		n, e := c.kernel.Send(c.desc.FD, c.out, 0)
		if e != 0 {
			return e
		}
		if c.out = c.out[n:]; len(c.out) == 0 {
			c.out = nil
		}
	}
	return 0
}
