package desc

import (
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Errno is kernel.Errno.
type Errno = kernel.Errno

// A Waiter is how the callers of a Desc wait: by parking their goroutine, or by suspending the task
// that a loop runs.
type Waiter interface {
	// Sleeper is the present caller. EDEADLK when there is none that could wait: a callback of the
	// loop.
	Sleeper() (Sleeper, Errno)
	// Register has Events of d told to d.Ready from now on, edge-triggered; what is ready already
	// is told too. Unregister ends that; after it Ready is not called. Both are called with d
	// locked, or on the loop.
	Register(d *Desc, want poller.Interest) Errno
	Unregister(d *Desc)
	// Rearm replaces what a registered Desc is told of. What is ready then is told.
	Rearm(d *Desc, want poller.Interest) Errno
	// Post has f called soon, where the Descs belong and outside every call of the user's: on the
	// loop, or on one dispatching goroutine. It may be called by any goroutine. false: the loop has
	// ended, and f is not called.
	Post(f func()) bool
	// Call calls f, which is the user's, at once: on a loop with the guard that all callbacks have.
	Call(f func())
	// Yield lets others run: the caller has had its share of the loop, or, where callers park, of
	// the processor. ECANCELED as in Sleep. It is nothing in a callback.
	Yield(dir Dir) Errno
	// Shared tells whether several goroutines may use a Desc at once.
	Shared() bool
	// Buffer is the loop's, for the task that runs; EDEADLK in a callback, which may be using it.
	// Free panics if a callback of the loop has d's number. Neither is called where callers park.
	Buffer() (*Buffer, Errno)
	Free(d *Desc)
}

// A Sleeper is one caller who can wait.
type Sleeper interface {
	// Sleep returns 0 after Wake (also one that came before it, and now and then for nothing),
	// ETIMEDOUT when until has passed, ECANCELED when the caller is not to wait any more.
	Sleep(dir Dir, until timeout.Deadline) Errno
	Wake()
}

// A Dir is the direction of a call.
type Dir uint8

const (
	In Dir = iota
	Out
)

// eventsFor is what each direction hears; an error or a hang-up is news for both.
var eventsFor = [2]poller.Readiness{In: poller.In | poller.Err | poller.Hup, Out: poller.Out | poller.Err | poller.Hup}

// A Desc is a descriptor's identity: the number, who calls on it, and what happens when it closes.
// It outlives its number: after Close every call is EBADF.
//
// A call holds a reference while it may use the number: in a try, not while it sleeps. Close and
// Detach let nobody take another, and return when the last is given back, so the number is nobody's
// but the kernel's, or the caller's, then.
type Desc struct {
	Kernel kernel.Kernel
	FD     int
	Waiter Waiter

	Gen uint32 // the Waiter's: the registration's generation

	AsNet      bool // its calls are a net.Conn's or net.Listener's: the directions' deadlines limit them, no Timeout does
	ShortIsAll bool // a recv of less than there is room for has taken all there was: TCP, see kernel.ReadsFully

	refs        int32 // who may use FD now; the last one out after Close closes it
	unturned    int32 // of these who may receive without the turn for it
	userCalls   int32 // how many of the user's functions run inside a reference
	shared      bool
	closed      bool
	detached    bool // by Detach: FD is somebody else's
	finished    bool // closed, and nobody has a reference
	timedOut    bool // see Dead
	endSeen     bool // an Event has said that a try that took less than it could is not the last
	registered  bool
	Transient   bool       // registered only while somebody waits: a Poll's own descriptor fits in few Pollers at once
	keepsParker bool       // Transient, has waited, is not closed: the background goroutine stays for it
	suspended   bool       // registered, and told of nothing: see Call.Stay
	mu          sync.Mutex // guards what is above and below, if shared
	dirs        [2]dirState
	queues      *[2]turnQueue // nil until somebody needs one
	extra       *extra
}

// extra is what few Descs have.
type extra struct {
	hooks      []*Hook
	onArrival  func()             // told of every Event that may mean input
	onEvent    func()             // told of every Event
	closedCh   chan struct{}      // closed when whoever closes the Desc need not wait any longer; nil while nobody does
	closeErrno Errno              // of the close
	borrowed   *[ScratchSize]byte // what the last Borrow has returned
}

// A dirState is one direction. One caller at a time holds its turn; only the holder waits for
// readiness, the others wait for the turn, in the order they came.
type dirState struct {
	ready   bool // an Event has come since the holder's last try
	drained bool // that try took all there was (Call.All): an Event tells of more
	busy    bool
	spent   uint8   // what the calls have had since one had to wait; see spent
	waiting Sleeper // the holder, while it sleeps
}

// A turnQueue is who waits for the turn, and, of a shared Desc, the holder's Sleeper, used again so
// that waiting allocates nothing; and the direction's deadline.
type turnQueue struct {
	first, last *queued
	sleeper     Sleeper
	deadline    timeout.Deadline // as SetDeadline has it
}

func (d *Desc) line(dir Dir) *turnQueue {
	if d.queues == nil {
		d.queues = &[2]turnQueue{{deadline: timeout.Never}, {deadline: timeout.Never}}
	}
	return &d.queues[dir]
}

// New makes a Desc of a descriptor, which is its own from now on.
func New(k kernel.Kernel, fd int, w Waiter) *Desc {
	return &Desc{Kernel: k, FD: fd, Waiter: w, shared: w.Shared()}
}

// lock is nothing on a loop, where one goroutine owns everything.
func (d *Desc) lock() {
	if d.shared {
		d.mu.Lock()
	}
}

func (d *Desc) unlock() {
	if d.shared {
		d.unlockShared() // apart, so that unlock can be inlined
	}
}

//go:noinline
func (d *Desc) unlockShared() { d.mu.Unlock() }

// ref has the call use the number; locked, and not closed.
func (d *Desc) ref(dir Dir, c *Call) {
	c.ref = true
	d.refs++
	if dir == In && !c.Limit.Blocks() {
		d.unturned++
	}
}

// unref has the call use the number no more; locked. last: the caller must finish, without the
// lock.
func (d *Desc) unref(dir Dir, c *Call) (last bool) {
	if !c.ref {
		return false
	}
	c.ref = false
	d.refs--
	if dir == In && !c.Limit.Blocks() {
		d.unturned--
	}
	return d.refs == 0 && d.closed
}

// finish is for whoever gives the last reference back.
func (d *Desc) finish() {
	e := Errno(0)
	if !d.detached {
		if d.shared {
			e = d.Kernel.Close(d.FD) // with SO_LINGER it may wait, as its caller wants it to
		} else {
			e = kernel.CloseAtOnce(d.Kernel, d.FD)
		}
	}
	d.lock()
	d.finished = true
	if e != 0 {
		d.ensureExtra().closeErrno = e
	}
	if d.extra != nil && d.extra.closedCh != nil {
		close(d.extra.closedCh)
		d.extra.closedCh = nil
	}
	d.unlock()
}
