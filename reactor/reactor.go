package reactor

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/fdtable"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/internal/threadlock"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Kernel is the operating system that a Reactor lives on: the host's, or a simulated one.
type Kernel = kernel.Kernel

// Addr is the address of a datagram's sender or receiver: a comparable value with the methods
// AddrPort and String, and for Unix sockets the field Path. AddrFrom and UnixAddr make one.
type Addr = kernel.Addr

// AddrFrom returns the address of an IP endpoint. A zone is the name or number of an interface. If
// there is no such interface, the result is the zero Addr, which SendTo refuses.
func AddrFrom(a netip.AddrPort) Addr {
	addr, err := netaddr.Inet(kernel.Host, a)
	if err != nil {
		return Addr{}
	}
	return addr
}

// UnixAddr returns the address of a path. On Linux "@name" is an address without a file.
func UnixAddr(path string) Addr { return kernel.Unix(path) }

const (
	batchSize = 1024      // Events delivered in one turn; the rest wait for the next
	readSize  = 64 * 1024 // bytes read per Conn a turn unless WithReadSize: no stream starves others
)

// A Reactor is one event loop. See the package comment for which goroutine may touch it.
type Reactor struct {
	k      Kernel
	lone   loner // k, or nil
	group  *Group
	loop   int // the index in the group
	poller poller.Poller
	log    *zaplog.Logger
	opt    options

	began  timeout.Deadline // when New returned
	table  fdtable.Table[*Watch]
	timers timerq.Queue
	// the time that this turn compares with deadlines; arming a timer reads the clock again
	now           timeout.Deadline
	events        []poller.Event
	buf           desc.Buffer    // the buffer that Data gets, in a Handler and in a task
	scratch       []byte         // space for the output of Filters; nil until a Filter exists
	rights        *kernel.Packet // space for descriptors; nil until a RightsHandler exists
	outputs       outputPool
	inputs        desc.InputPool // memory of Inputs
	vec           [][]byte       // the pieces of one SendV
	packetBuffers *packetBuffers

	inTurn       bool
	turnBegun    bool              // a turn was left unfinished: the next one continues its lists
	budget       budget            // what is left of this turn's budget
	batch        int               // Events of this turn
	next         int               // index of the next Event to deliver
	readPending  queue[*Conn]      // Conns that have more input after a full read
	rereading    *Conn             // the Conn of readPending that is being read
	flushPending queue[flusher]    // Conns and PacketConns to flush at the end of the step
	closedCalls  queue[closedCall] // calls of Closed that are due
	posting      postQueue         // posts made before this turn

	// the Watch of a Desc that has unregistered, for reuse, because a Poll registers again with
	// each wait
	spareWatch *Watch
	callbacks  bool // some socket has or had a callback; see waiter's Settle

	driver      threadlock.State // lock state of the goroutine on which the Tasks began; 0: none yet
	probe       threadlock.Probe
	beganLocked bool // a panic has left Run, and the Tasks may have begun on a locked goroutine

	running   *Task            // nil in callbacks
	goexiting bool             // runtime.Goexit unwinds the goroutine; the panic handler was called
	loopWakes bool             // the loop itself wakes tasks: no user code is below
	runnable  queue[wokenTask] // in the order in which they were woken

	conns       int // open or dialling; a drain ends these and the next three
	listeners   int
	packets     int
	tasks       taskList
	unconnected unconnectedList // Conns without a descriptor: their name or their first connect is due
	dials       queue[*Conn]    // Conns in unconnected whose first connect is due

	unclosed      bool // the drain has Conns to close, from descriptor nextClose on
	nextClose     int
	aborting      bool             // the iteration over the Tasks cancels them
	draining      bool             // no new Conns, Listeners, Watches or Tasks are accepted
	shutdownWaits bool             // a Shutdown waits, so its deadline replaces WithLinger's
	undelivered   UndeliveredError // counts the output that the drain did not deliver
	stopped       bool             // the last turn has run
	failed        error            // the reason why the loop cannot continue
	aborted       bool             // the end of a context has aborted something, or started the drain
	doneEarly     bool             // done was closed before the loop had ended

	figures   // for the loop only; board has copies for other goroutines
	board     board
	changed   bool // a count that publish does not copy in every turn has changed
	times     times
	shown     shown
	slow      slowTurns
	byHand    bool    // user code calls Turn
	sleeper   sleeper // the poller, if it reports whether a Wait slept
	logLimits logLimits
	trace     traces
	guards    bool // each callback is surrounded: by a panic handler, the watchdog or Enter
	entered   bool // a callback is between Enter and Leave
	watchdog  *watchdog
	painter   *painter // collects a picture; nil: none is collected
	recent    recent

	owner           atomic.Int32 // ownerless, ownerRun, ownerTurn or ownerShutdown
	awake           atomic.Int64 // when the turn began; it checks posted before it ends; 0: asleep
	drain           atomic.Bool  // Shutdown has begun
	shutdownWaiting atomic.Bool  // a Shutdown waits, or has waited
	handing         atomic.Bool  // the caller of Shutdown that runs the loop hands it over
	abort           atomic.Bool  // the last Shutdown's or Run's context has ended
	queued          atomic.Int32 // the length of posted
	postsRefused    atomic.Uint64
	pictures        atomic.Int32 // requests for a picture that wait for a turn
	measuring       atomic.Int64 // since when Load has the loop measure its time; 0: it does not
	done            chan struct{}
	result          error // why the loop ended; written before done is closed

	restarting chan struct{} // a lock, for one Restart at a time

	mu           sync.Mutex // guards the fields below, which other goroutines may touch
	posted       postQueue
	waiters      int  // callers of Shutdown whose context has not ended
	postsClosed  bool // Post returns ErrClosed
	pollerClosed bool // the poller is closed
	failing      bool // the loop has failed and is about to stop
}

// A flusher may have output that waits for the end of the step.
type flusher interface{ flushStep() }

// A closedCall is the last call to a handler. It waits for the end of the step, so that no callback
// runs inside another.
type closedCall struct {
	owner interface{ callClosed(error) }
	err   error
}

const (
	ownerless = iota
	ownerRun
	ownerTurn
	ownerShutdown // Shutdown was called before Run
	ownerLost     // a panic has left Run; Shutdown releases everything
)

// New makes a reactor. It holds two descriptors until Run has returned, or Shutdown if Run was
// never called. The first New of a process also makes the Go runtime open two descriptors of its
// own. It opens them early, because the runtime could not open them later if the process had
// reached its limit of descriptors.
func New(opts ...Option) (*Reactor, error) {
	r := &Reactor{
		opt:    defaultOptions(),
		events: make([]poller.Event, batchSize),
		vec:    make([][]byte, 0, kernel.MaxPieces),
		done:   make(chan struct{}),

		restarting: make(chan struct{}, 1),
	}
	for i, set := range opts {
		if set == nil {
			return nil, noOption(i)
		}
		if err := set(&r.opt); err != nil {
			return nil, err
		}
	}
	r.k, r.log = r.opt.kernel, r.opt.log
	r.buf.P = make([]byte, r.opt.readSize)
	r.lone, _ = r.k.(loner)
	r.budget = turnBudget
	if r.opt.onPanic != nil {
		r.guardLogger()
	}
	r.keepLog()
	p, err := r.k.NewPoller()
	if err != nil {
		return nil, fmt.Errorf("reactor: %w", err)
	}
	r.poller = p
	r.now = r.k.Now()
	r.began = r.now
	r.sleeper, _ = p.(sleeper)
	if s, ok := p.(spinner); ok {
		s.Spin(r.opt.spin)
	}
	r.board.begin()
	r.outputs.k = r.k
	r.outputs.oldest.Store(int64(timeout.Never))
	if r.opt.watch != nil {
		r.opt.watch(r)
	}
	r.beginTrace()
	return r, nil
}

// FD returns the poller's descriptor, for embedding in another loop. Call Turn when it is readable,
// or when the time of Next has come.
func (r *Reactor) FD() int { return r.poller.FD() }

// Next returns when to call Turn even if the descriptor of FD is not readable. 0 means now.
func (r *Reactor) Next() timeout.Deadline {
	work := r.readPending.len() + r.flushPending.len() + r.closedCalls.len() +
		r.runnable.len() + r.posting.len() + r.dials.len()
	if work > 0 || r.turnBegun || r.queued.Load() > 0 || r.drain.Load() != r.draining || r.unclosed || r.tasks.next != nil || r.abort.Load() {
		return 0
	}
	if _, ok := r.timers.Settle(repairsPerTurn); !ok {
		return 0
	}
	return r.timers.Next()
}

// Now reads the kernel's clock.
func (r *Reactor) Now() timeout.Deadline { return r.k.Now() }

// Time returns the date and time: time.Now, or on a simulated host the date of that host.
func (r *Reactor) Time() time.Time { return kernel.Time(r.k) }

// Post makes the loop call f in the next turn, exactly once. Any goroutine and any callback may
// call it. It returns ErrFull if the limit of WithPostLimit is reached, and ErrClosed once the
// reactor has stopped. If Post returns an error, f does not run.
func (r *Reactor) Post(f func()) error {
	if f == nil {
		panic("reactor: Post of a nil function")
	}
	return r.post(post{f: f}, nil)
}

// wake ends the loop's sleep. A loop that is awake checks posted before it sleeps.
func (r *Reactor) wake() {
	if r.awake.Load() != 0 {
		return
	}
	var err error
	r.mu.Lock() // the lock excludes a close, after which another file could have the descriptor
	if !r.pollerClosed {
		err = r.poller.Wake()
	}
	r.mu.Unlock() // unlocked before the logger, which is user code
	if err != nil {
		r.log.Error("cannot wake the loop", zaplog.Error(err))
	}
}

// Kernel returns the Kernel that the reactor runs on.
func (r *Reactor) Kernel() Kernel {
	if r == nil {
		panic("reactor: a nil Reactor: pass one that New has made")
	}
	return r.k
}

// Loop returns the Reactor's index in its Group, or 0 without one.
func (r *Reactor) Loop() int { return r.loop }
