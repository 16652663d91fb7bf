package desc

import (
	"sync"
	"unsafe"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Errno is kernel.Errno.
type Errno = kernel.Errno

// A Waiter decides how the callers of a Desc wait. One kind parks the calling goroutine. The other
// kind suspends the task that a loop runs.
type Waiter interface {
	// Sleeper returns the Sleeper of the present caller. In a callback of the loop it returns EDEADLK,
	// because a callback cannot wait.
	Sleeper() (Sleeper, Errno)
	// Register makes an edge-triggered registration of d. Each Event of d is delivered to d.Ready, and
	// so is readiness that exists already. After Unregister, Ready is not called any more. The callers
	// of Register and Unregister have locked d, or run on the loop.
	Register(d *Desc, want poller.Interest) Errno
	Unregister(d *Desc)
	// Rearm changes the interest of a registered Desc. Readiness that exists already is delivered.
	Rearm(d *Desc, want poller.Interest) Errno
	// Has returns whether fd is registered now, whoever has registered it.
	Has(fd int) bool
	// CanSleep returns whether a Sleep of the present caller would wait. It returns false in a
	// callback of the loop and in a task that is cancelled.
	CanSleep(dir Dir) bool
	// Post calls f soon, and not inside other user code: on the loop, or on a dispatching goroutine.
	// Any goroutine may call Post. If the loop has ended, Post returns false and does not call f.
	Post(f func()) bool
	// Call calls f at once. f is user code, and a loop guards it like a callback.
	Call(f func())
	// Yield lets other tasks or goroutines run, because the caller has used up its budget. It returns
	// ECANCELED if Sleep would. In a callback it does nothing.
	Yield(dir Dir) Errno
	// Shared returns whether several goroutines may use a Desc at the same time.
	Shared() bool
	// Buffer returns the loop's buffer, for the task that runs. In a callback it returns EDEADLK,
	// because the callback may itself be using the buffer. Free panics if a callback of the loop has
	// registered the number of d. If the callers of a Desc park, neither method is called for it.
	Buffer() (*Buffer, Errno)
	Free(d *Desc)
	// Far returns where the loop notes whether it has so many descriptors that their memory is not in
	// the processor's cache. If the callers of a Desc park, it returns nil.
	Far() *bool
}

// A Sleeper makes one caller wait, and wakes it.
type Sleeper interface {
	// Sleep waits until Wake is called. If Wake was called before Sleep, Sleep returns at once. In
	// both cases it returns 0, which it may also do without a Wake. It returns ETIMEDOUT after the
	// deadline, and ECANCELED if the caller must not wait any more. If the caller then calls Sleep
	// again, Sleep panics, which unwinds the caller's task.
	Sleep(dir Dir, until timeout.Deadline) Errno
	// Unwind panics if a call of Sleep would panic now.
	Unwind(dir Dir)
	Wake()
}

// A Dir is the direction of a call.
type Dir uint8

const (
	In Dir = iota
	Out
)

// eventsFor has the readiness that wakes the calls of each direction. An error or a hang-up wakes
// the calls of both directions.
var eventsFor = [2]poller.Readiness{
	In:  poller.In | poller.Err | poller.Hup,
	Out: poller.Out | poller.Err | poller.Hup,
}

// A Desc represents a descriptor: its number, the calls in progress on it, and the steps of its
// close. After Close, the Desc still exists without its number, and every call returns EBADF.
//
// A call holds a reference while it may use the number: during a try, but not while it sleeps.
// Close and Detach refuse new references, and return when the last reference is released. Then the
// number is closed, or it belongs to the caller of Detach.
//
// The table shows the state. "Lock" means mu if the Desc is shared. The fields of a Desc that is
// not shared belong to the loop's goroutine. In race builds checkState checks what the last column
// says.
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
//	Near        secure.NewConn           beginClose           the loop    not shared
//	Gen         Waiter.Register          –                    the Waiter
//	refs        ref, recv, SendAll, Do,  unref, drop,         lock        refs ≥ unturned ≥ 0
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
//	registered  registerAs               suspend, beginClose, lock        not suspended, not closed
//	                                     unregistered
//	output      registerAs               dropOutput, suspend, lock        registered, not Transient
//	                                     beginClose,
//	                                     unregistered
//	level       registerAs               suspend, beginClose  lock        registered, not output,
//	                                                                      UnixStream, not shared
//	suspended   suspend                  registerAs,          lock        Transient or UnixStream,
//	                                     beginClose,                      not closed
//	                                     unregistered
//	keepsParker Parker.Register          Parker.Unregister,   lock and    Transient
//	                                     after beginClose     Parker.mu
//	queues      queue                    –                    lock
//	dated       SetDeadline              SetDeadline          lock        queues
//	extra       ensureExtra              beginClose           lock
//	hooked      setHook                  setHook, beginClose  lock        extra.onArrival or onEvent
//
// These fields exist for each direction (dirState, turnQueue). The holder is the call that has the
// direction's turn:
//
//	ready       an Event, SetReady       the holder, before   lock
//	                                     each try
//	drained     the holder that leaves,  the next holder      lock
//	            ExpectNothing
//	busy        enter, Do, beginSleep    passTurn             lock
//	spent       charge                   wait, a yield        the holder  spent ≤ budget
//	waiting     the holder that sleeps   the same             lock        busy
//	first, last queueUp                  passTurn, stepOut    lock        busy
//	queued      queueUp                  dequeue              lock        first != nil
//	sleeper     the first holder that    –                    lock        shared
//	            sleeps
//	deadline    SetDeadline              –                    lock
type Desc struct {
	Kernel kernel.Kernel
	FD     int
	Waiter Waiter

	Gen uint32 // the generation of the registration

	// Near is nil, or it points to an object that each message needs besides the Desc. The loop
	// prefetches the object.
	Near unsafe.Pointer

	// AsNet means that the calls are those of a net.Conn or net.Listener. Only the deadlines of the
	// directions limit such calls.
	AsNet bool
	// ShortIsAll means that a recv that does not fill its buffer has emptied the socket. It is set for
	// TCP sockets if kernel.ReadsFully holds.
	ShortIsAll bool
	// UnixStream means that a short recv may leave data, because recv stops where descriptors were
	// passed. A loop registers such a socket level-triggered, so that an Event reports the remaining
	// data.
	UnixStream bool

	refs      int32 // references to FD; after Close, the release of the last one closes FD
	unturned  int32 // references of calls that may receive without holding the turn
	userCalls int32 // user functions that run while their caller holds a reference
	shared    bool
	closed    bool
	detached  bool // FD belongs to another owner
	finished  bool // closed, and no reference is left
	timedOut  bool // see NoteTimedOut
	endSeen   bool // see EndSeen

	registered bool // registered for input, or for more than input
	output     bool // registered for output as well
	level      bool // level-triggered
	// Transient means that the Desc is registered only while a call waits. It is set for the
	// descriptor of a Poll, because the kernel limits how many Pollers can have such a descriptor at
	// the same time.
	Transient bool
	// keepsParker means that Parker.keepers counts the Desc: the background goroutine does not end
	// before the Desc is closed.
	keepsParker bool
	suspended   bool // registered without an interest; see suspend
	dated       bool // a direction has a deadline
	hooked      bool // there is an onArrival or an onEvent (a message does not need extra)
	mu          sync.Mutex
	dirs        [2]dirState
	queues      *[2]turnQueue // nil until a call needs them
	extra       *extra
}

// extra has the fields that only few Descs need.
type extra struct {
	hooks      []*Hook
	onArrival  func()             // called after each Event that may report input
	onEvent    func()             // called after each Event
	objects    func() int         // for a Poll: returns how many objects it has
	closedCh   chan struct{}      // closed when Close can return; nil if no Close waits
	closeErrno Errno              // the error of the kernel's close
	borrowed   *[ScratchSize]byte // the buffer that Borrow has returned last
}

// A dirState is the state of one direction. One call at a time has the direction's turn. This call,
// the holder, is the only one that waits for readiness. The other calls wait for the turn, in the
// order in which they came.
type dirState struct {
	ready   bool // the ready flag: an Event has come since the last try
	drained bool // the last try emptied the socket (Call.Drained), so an Event reports new data
	busy    bool // a call holds the turn
	queued  bool // the queue is not empty
	spent   uint8
	waiting Sleeper // the holder's Sleeper, while it sleeps
}

// A turnQueue has the calls that wait for a direction's turn, and the direction's deadline. In a
// shared Desc it also keeps a Sleeper for all holders, so that a wait allocates nothing.
type turnQueue struct {
	first, last *queued
	sleeper     Sleeper
	deadline    timeout.Deadline // set by SetDeadline
}

func (d *Desc) queue(dir Dir) *turnQueue {
	if d.queues == nil {
		d.queues = &[2]turnQueue{{deadline: timeout.Never}, {deadline: timeout.Never}}
	}
	return &d.queues[dir]
}

// New makes a Desc. From now on the Desc owns the descriptor.
func New(k kernel.Kernel, fd int, w Waiter) *Desc {
	return &Desc{Kernel: k, FD: fd, Waiter: w, shared: w.Shared()}
}

// ExpectNothing notes that a new socket most likely has no input yet. So on a loop the first call
// that receives registers and sleeps before its first try.
func (d *Desc) ExpectNothing() { d.dirs[In].drained = true }

// lock does nothing if the Desc is not shared, because one goroutine of the loop then owns
// everything.
func (d *Desc) lock() {
	if d.shared {
		d.mu.Lock()
	}
}

func (d *Desc) unlock() {
	if d.shared {
		d.unlockShared() // a separate function, so that unlock can be inlined
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
