package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A Conn is TLS over a Desc. Each call of crypto/tls is a try of Desc.Do, so the Desc provides
// turns, deadlines and the ways to wait. A caller that may call the Desc may also call these
// methods.
//
// readMu is held while crypto/tls reads or makes the handshake, and never across a wait. A
// goroutine that holds readMu may lock writeMu, but the reverse is forbidden. Both belong to Descs
// that are shared. Other Descs need no mutex, because only the loop's goroutine uses the Conn. Race
// builds check this table when readMu is released (see state_race.go).
//
//	field         | set by                    | cleared by     | lock           | excludes
//	--------------+---------------------------+----------------+----------------+------------------
//	session       | NewConn                   | never          | readMu to read | see Session
//	unread        | Unread                    | fdWire.Read    | readMu         | recvShort
//	recvShort     | fdWire.Read: a short recv | fdWire.Read    | readMu         | unread
//	reading       | lockRead              | unlockRead     | readMu         |
//	steps, recvs  | stepHandshake, fdWire.Read| never: counts  | readMu         |
//	handshakeDone | stepHandshake, after the  | never          | atomic         | !handshakeDone of
//	              | Session's                 |                |                | the Session
//	stopped       | stop: the Desc has closed | never          | atomic         |
//	out           | fdWire.Write              | flush          | writeMu        | empty and not nil
//	unsent        | setOut                | setOut         | writeMu; atomic| unsent != len(out)
//	closeNotified | sendCloseNotify           | never          | writeMu        |
//	user          | SetUser                   | never          | only a hint    |
//	far           | NewConn                   | never          | the loop's     | shared
//
// Only the holder of the Desc's turn for Out calls the Session's Write. But a reader may send too,
// for example the answer to a KeyUpdate. crypto/tls puts the two sends in an order, and writeMu
// guards out.
type Conn struct {
	// These fields come first because each message needs them. So it needs fewer cache lines.
	desc *desc.Desc
	// kernel moves the bytes: it is the Desc's Kernel or the one below that.
	kernel        kernel.Kernel
	session       *Session
	unsent        atomic.Int64 // the length of out, for those who do not hold writeMu
	recvs         uint32       // recvs that did not return EAGAIN
	steps         uint32       // calls of stepHandshake
	handshakeDone atomic.Bool  // the handshake has ended, and session.handshakeErr is final
	stopped       atomic.Bool  // the Desc was closed, so the Session must be stopped
	shared        bool         // the Desc is shared
	reading       bool         // a call holds readMu, or would hold it if the Desc were shared
	recvShort     bool         // the last recv did not fill its buffer
	closeNotified bool         // close_notify was sent
	far           *bool        // whether Read prefetches: see desc.Waiter; nil if the Desc is shared
	user          uintptr      // only a hint: see SetUser
	unread        []byte       // input that was read before the Conn was made

	readMu        sync.Mutex
	writeMu       sync.Mutex
	out           []byte // the bytes of records that the kernel has not accepted
	local, remote net.Addr
	outer         func() net.Conn // returns the connection that user code has
}

const (
	// maxRecord is the number of bytes of a Write that become one record. The bytes of the record that
	// the kernel refuses stay in out.
	maxRecord = 16 << 10
	// maxOut limits out: while out has more bytes, nothing is read. Otherwise a peer that never reads
	// could request answers (to KeyUpdates) without limit.
	maxOut = 64 << 10
)

// NewConn makes a Conn whose bytes k moves. outer returns the connection that user code has, for
// the configuration's callbacks and for errors. outer must not keep that connection reachable.
func NewConn(d *desc.Desc, k kernel.Kernel, local, remote net.Addr, outer func() net.Conn, cfg *tls.Config, server bool) *Conn {
	all := &struct { // one object, which the loop can prefetch
		Conn
		session Session
	}{Conn: Conn{desc: d, kernel: k, local: local, remote: remote, outer: outer, shared: d.Shared(), far: d.Waiter.Far()}}
	c := &all.Conn
	c.session = &all.session
	c.session.init((*fdWire)(c), cfg, server)
	if !c.shared {
		d.Near = unsafe.Pointer(c)
	}
	// The hook ends the strand. If d is already closed, the first call fails.
	d.AddHook(&desc.Hook{F: c.stop})
	return c
}

// SetUser sets the address of the object through which user code calls the Conn. Each Read
// prefetches the object, because a Write often follows. The address does not keep the object
// reachable.
func (c *Conn) SetUser(object unsafe.Pointer) { c.user = uintptr(object) }

// Unread puts p before the input of the descriptor. Call it before all other methods.
func (c *Conn) Unread(p []byte) { c.unread = p }

// ErrUnanswered is the error of a non-blocking Read if the peer does not read the answers that it
// has requested.
var ErrUnanswered = errors.New("tls: the peer asks for new keys and does not read the answers")

// Read returns data of at most one record. It returns io.EOF at the peer's close_notify.
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

// Data is Read into a buffer that does not belong to the connection: see desc.Room and desc.Borrow.
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

// borrow does the work of Data for callers that park.
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

// A Reading is a Call of one or more reads. Read does not use a Reading, because its Call would
// then escape to the heap.
type Reading struct {
	c    *Conn
	call *desc.Call
	err  error
}

// Reads makes the handshake and begins a Reading. End ends it.
func (c *Conn) Reads(call *desc.Call) (Reading, error) {
	return Reading{c: c, call: call}, c.begin(call)
}

func (c *Conn) begin(call *desc.Call) error {
	if err := c.Handshake(call); err != nil {
		return err
	}
	call.NeedsNew = c.desc.Drains()
	return nil
}

// Recv is one try of the Call, as a desc.Receive. It returns 0, 0 at the peer's close_notify. The
// flags have no effect.
func (r *Reading) Recv(p []byte, _ int) (n int, e desc.Errno) {
	n, e, r.err = r.c.recv(r.call, p)
	return n, e
}

func (c *Conn) recv(call *desc.Call, p []byte) (n int, e desc.Errno, err error) {
	switch {
	case !c.outputFull():
	case !call.Limit.Blocks():
		return 0, errNotErrno, ErrUnanswered
	default:
		if e := c.drain(call); e != 0 {
			// The error is not returned as an Errno, because Do would regard an ETIMEDOUT as an error of the
			// kernel.
			return 0, errNotErrno, e
		}
	}
	n, call.Drained, err = c.decrypt(call, p)
	switch {
	case n > 0, err == io.EOF: // if an error came with bytes, the next Read returns it again
		return n, 0, err
	case err == ErrAgain:
		return 0, kernel.EAGAIN, err
	}
	return 0, errNotErrno, err
}

// End returns the error of the Call. e is the Errno that Do has returned.
func (r *Reading) End(e desc.Errno) error { return r.c.outcome(r.call, r.err, e) }

// outcome returns the error of a Call. err is the error of its last try, and e is the Errno that Do
// has returned.
func (c *Conn) outcome(call *desc.Call, err error, e desc.Errno) error {
	call.NeedsNew, call.Drained = false, false // the Call may continue with another operation
	c.notifyReaders(call, e)
	switch e {
	case 0:
		return nil
	case errNotErrno:
		return c.reason(err)
	}
	return e
}

// errNotErrno ends a try that has an error other than an Errno. No system has an error with this
// number.
const errNotErrno desc.Errno = 1 << 16

// notifyReaders wakes a waiting reader after a call that has read without the turn for In. That
// call may have moved input from the kernel into crypto/tls. No Event for this input would then
// wake the reader.
func (c *Conn) notifyReaders(call *desc.Call, e desc.Errno) {
	if e == 0 && !call.Limit.Blocks() {
		c.desc.SetReady(desc.In)
	}
}

// decrypt reads once. It adds the number of records that it has decrypted to the cost of the call.
// drained means that neither the kernel nor crypto/tls has any input left.
func (c *Conn) decrypt(call *desc.Call, p []byte) (n int, drained bool, err error) {
	c.lockRead()
	defer c.release()
	n, err = c.session.Read(p)
	c.flush() // sends the answers to KeyUpdates; the next Write sends what the kernel refuses
	// One try may read several times.
	call.Records = uint8(min(int(call.Records)+c.session.RecordsDone(), math.MaxUint8))
	return n, c.recvShort && c.session.Drained(n, len(p)), err
}

// State returns the result of the handshake. It returns false before the handshake has succeeded.
func (c *Conn) State() (tls.ConnectionState, bool) {
	if !c.handshakeDone.Load() || !c.session.Ready() {
		return tls.ConnectionState{}, false
	}
	return c.session.State(), true
}
