package desc

import (
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Errno is kernel.Errno.
type Errno = kernel.Errno

// A Waiter decides how the callers of a Desc wait: they park their goroutine, or they suspend the
// task that a loop runs.
type Waiter interface {
	// Sleeper returns the Sleeper of the present caller. It returns EDEADLK to a callback of the
	// loop, which cannot wait.
	Sleeper() (Sleeper, Errno)
	// Register makes an edge-triggered registration: each Event of d is delivered to d.Ready, and
	// so is readiness that exists already. After Unregister, Ready is not called. The callers of
	// Register and Unregister have locked d, or run on the loop.
	Register(d *Desc, want poller.Interest) Errno
	Unregister(d *Desc)
	// Rearm replaces the interest of a registered Desc. Readiness that exists already is delivered.
	Rearm(d *Desc, want poller.Interest) Errno
	// Has returns whether fd is registered now, by any owner.
	Has(fd int) bool
	// Post calls f soon and outside all user code: on the loop, or on one dispatching goroutine.
	// Any goroutine may call Post. It returns false if the loop has ended; f is not called then.
	Post(f func()) bool
	// Call calls f, which is user code, at once. A loop guards f as it guards each callback.
	Call(f func())
	// Yield lets other tasks or other goroutines run, because the caller has used up its budget. It
	// returns ECANCELED in the cases in which Sleep does. In a callback it does nothing.
	Yield(dir Dir) Errno
	// Shared returns whether several goroutines may use a Desc at the same time.
	Shared() bool
	// Buffer returns the loop's buffer to the task that runs. It returns EDEADLK to a callback,
	// because the callback may be using the buffer. Free panics if a callback of the loop has
	// registered d's number. Neither method is called for Descs whose callers park.
	Buffer() (*Buffer, Errno)
	Free(d *Desc)
}

// A Sleeper is one caller who can wait.
type Sleeper interface {
	// Sleep returns 0 after Wake, also if Wake was called before Sleep. Spurious wakes are allowed.
	// It returns ETIMEDOUT after the deadline, and ECANCELED if the caller must not wait any more.
	// If the caller calls Sleep again after ECANCELED, Sleep panics, which unwinds the caller's
	// task.
	Sleep(dir Dir, until timeout.Deadline) Errno
	// Unwind panics if Sleep would panic now.
	Unwind(dir Dir)
	Wake()
}

// A Dir is the direction of a call.
type Dir uint8

const (
	In Dir = iota
	Out
)

// eventsFor is the readiness that wakes each direction. An error or a hang-up wakes both.
var eventsFor = [2]poller.Readiness{
	In:  poller.In | poller.Err | poller.Hup,
	Out: poller.Out | poller.Err | poller.Hup,
}

// A Desc represents a descriptor: its number, the calls in progress on it, and the steps of its
// close. It outlives the number: after Close every call returns EBADF.
//
// A call holds a reference while it may use the number: during a try, not while it sleeps. Close
// and Detach refuse new references and return when the last one is released. Then the number is
// free, or it belongs to the caller of Detach.
//
// State. "Lock" is mu if the Desc is shared. If it is not, the loop's goroutine owns all fields.
// checkState checks the last column in race builds.
//
//	field       set by                   cleared by           guarded by  implies
//	Kernel, FD,
//	Waiter,
//	shared      New                      –                    fixed
//	AsNet,
//	ShortIsAll,
//	UnixStream,
//	Transient   the owner, before the    –                    fixed
//	            first call
//	Gen         Waiter.Register          –                    the Waiter
//	refs        ref, recv, SendAll,      unref, drop,         lock        refs ≥ unturned ≥ 0
//	            beginClose               beginClose
//	unturned    ref: In, Limit 0         unref                lock
//	userCalls   User                     User                 lock        refs > 0
//	closed      beginClose               –                    lock        no new reference, no hooks
//	detached    Detach                   Detach, if it        lock        closed
//	                                     returns a duplicate
//	finished    finish                   –                    lock        closed, refs == 0
//	timedOut    NoteTimedOut             –                    lock
//	endSeen     an Event with End, Err   –                    lock
//	            or Hup
//	registered  registerNow              suspend, beginClose, lock        not suspended, not closed
//	                                     unregistered
//	output      registerNow              dropOutput, suspend, lock        registered, not Transient
//	                                     beginClose,
//	                                     unregistered
//	level       registerNow              suspend, beginClose  lock        registered, not output,
//	                                                                      UnixStream, not shared
//	suspended   suspend                  registerNow,         lock        Transient or UnixStream,
//	                                     beginClose,                      not closed
//	                                     unregistered
//	keepsParker Parker.Register          Parker.Unregister,   lock and    Transient
//	                                     after beginClose     Parker.mu
//	queues      queue                    –                    lock
//	extra       ensureExtra              beginClose           lock
//
// For each direction (dirState, turnQueue); the holder is the call that has the turn:
//
//	ready       an Event, SetReady       the holder, before   lock
//	                                     each try
//	drained     the holder that leaves   the next holder      lock
//	busy        enter, sleepFast         passTurn             lock
//	spent       charge                   wait, a yield        the holder  spent ≤ budget
//	waiting     the holder that sleeps   the same             lock        busy
//	first, last queueUp                  passTurn, stepOut    lock        busy
//	sleeper     the first holder that    –                    lock        shared
//	            sleeps
//	deadline    SetDeadline              –                    lock
type Desc struct {
	Kernel kernel.Kernel
	FD     int
	Waiter Waiter

	Gen uint32 // generation of the registration

	// AsNet: the calls are those of a net.Conn or net.Listener. Only the deadlines of the
	// directions limit them.
	AsNet bool
	// ShortIsAll: a recv that does not fill its buffer has emptied the socket. This is set for TCP
	// sockets; see kernel.ReadsFully.
	ShortIsAll bool
	// UnixStream: a short recv may leave data, because it stops where descriptors were passed. On a
	// loop such a socket is registered level-triggered, so that an Event reports the rest.
	UnixStream bool

	refs      int32 // references to FD; the last one released after Close closes it
	unturned  int32 // the references of calls that may receive without the turn
	userCalls int32 // user functions that run inside a reference
	shared    bool
	closed    bool
	detached  bool // FD belongs to another owner
	finished  bool // closed, and no reference is left
	timedOut  bool // see NoteTimedOut
	endSeen   bool // see EndSeen

	registered bool // registered for input
	output     bool // registered for output too
	level      bool // level-triggered
	// Transient: the Desc is registered only while a call waits. The descriptor of a Poll is
	// Transient, because the kernel limits how many Pollers can have such a descriptor at the same
	// time.
	Transient   bool
	keepsParker bool // counted in Parker.keepers: its goroutine stays until the Desc is closed
	suspended   bool // registered for nothing; see suspend
	mu          sync.Mutex
	dirs        [2]dirState
	queues      *[2]turnQueue // nil until first needed
	extra       *extra
}

// extra has the fields that few Descs need.
type extra struct {
	hooks      []*Hook
	onArrival  func()             // called after each Event that may mean input
	onEvent    func()             // called after each Event
	objects    func() int         // for a Poll: returns how many objects are registered
	closedCh   chan struct{}      // closed when Close need not wait any longer; nil if none waits
	closeErrno Errno              // result of the close
	borrowed   *[ScratchSize]byte // the buffer that the last Borrow returned
}

// A dirState is the state of one direction. One call at a time holds the direction's turn. Only the
// holder waits for readiness. The other calls wait for the turn, in the order in which they came.
type dirState struct {
	ready   bool // the ready flag: an Event has come since the holder's last try
	drained bool // that try emptied the socket (Call.Drained), so an Event will announce new data
	busy    bool // a call holds the turn
	spent   uint8
	waiting Sleeper // the holder's Sleeper, while it sleeps
}

// A turnQueue has the calls that wait for a turn, and the direction's deadline. In a shared Desc
// the turnQueue also keeps the holder's Sleeper, so that waiting allocates nothing.
type turnQueue struct {
	first, last *queued
	sleeper     Sleeper
	deadline    timeout.Deadline // of SetDeadline
}

func (d *Desc) queue(dir Dir) *turnQueue {
	if d.queues == nil {
		d.queues = &[2]turnQueue{{deadline: timeout.Never}, {deadline: timeout.Never}}
	}
	return &d.queues[dir]
}

// New makes a Desc, which owns the descriptor from now on.
func New(k kernel.Kernel, fd int, w Waiter) *Desc {
	return &Desc{Kernel: k, FD: fd, Waiter: w, shared: w.Shared()}
}

// lock does nothing on a loop, where one goroutine owns everything.
func (d *Desc) lock() {
	if d.shared {
		d.mu.Lock()
	}
}

func (d *Desc) unlock() {
	if d.shared {
		d.unlockShared() // a function of its own, so that unlock can be inlined
	}
}

//go:noinline
func (d *Desc) unlockShared() { d.mu.Unlock() }

func (d *Desc) ensureExtra() *extra {
	if d.extra == nil {
		d.extra = &extra{}
	}
	return d.extra
}
