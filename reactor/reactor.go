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

// Kernel is the operating system that a Reactor uses: the host's, or a simulated one.
type Kernel = kernel.Kernel

// Addr is the address of the sender or receiver of a datagram. Addrs can be compared with ==. They
// have the methods AddrPort and String, and for Unix sockets the field Path. AddrFrom and UnixAddr
// make one.
type Addr = kernel.Addr

// AddrFrom converts an IP address with a port. A zone is the name or the number of an interface. If
// there is no such interface, the result is the zero Addr, which SendTo refuses.
func AddrFrom(a netip.AddrPort) Addr {
	addr, err := netaddr.Inet(kernel.Host, a)
	if err != nil {
		return Addr{}
	}
	return addr
}

// UnixAddr returns the address with this path. On Linux "@name" is an address without a file.
func UnixAddr(path string) Addr { return kernel.Unix(path) }

const (
	batchSize = 1024      // how many Events a turn delivers; others wait for the next turn
	readSize  = 128 << 10 // how many bytes a turn reads from one Conn, without WithReadSize
	readLeast = 64 << 10  // the least that WithReadSize accepts
)

// A Reactor is one event loop. The package comment says which goroutine may use it.
type Reactor struct {
	k      Kernel
	lone   loner // k, if k is a loner; else nil
	group  *Group
	loop   int // the index in the group
	poller poller.Poller
	log    *zaplog.Logger
	opt    options

	began  timeout.Deadline // when New returned
	table  fdtable.Table[*Watch]
	timers timerq.Queue
	// the time of this turn, which is compared with deadlines; arming a timer reads the clock again
	now           timeout.Deadline
	events        []poller.Event
	buf           desc.Buffer    // the buffer of Data, in Handlers and in tasks
	scratch       []byte         // memory for the output of Filters; nil until a Filter needs it
	rights        *kernel.Packet // memory for passed descriptors; nil until a RightsHandler needs it
	outputs       outputPool
	inputs        desc.InputPool // memory of Inputs
	vec           [][]byte       // the pieces of one SendV
	packetBuffers *packetBuffers

	inTurn       bool
	turnBegun    bool              // a turn was left unfinished: the next one continues it
	budget       budget            // what is left of this turn's budget
	batch        int               // Events of this turn
	next         int               // index of the next Event to deliver
	readPending  queue[*Conn]      // Conns that the next turn reads without an Event
	rereading    *Conn             // the Conn of readPending that is being read
	flushPending queue[flusher]    // Conns and PacketConns that are flushed at the end of the step
	closedCalls  queue[closedCall] // calls of Closed that are due
	posting      postQueue         // posts that were made before this turn

	// Watches that Descs have used, for reuse: many connections are short, and a Poll registers with
	// each wait.
	spareWatches []*Watch
	callbacks    bool // a socket has a callback, or had one; see Settle of waiter

	driver      threadlock.State // the lock state of the goroutine on which the Tasks began; 0 before
	probe       threadlock.Probe
	beganLocked bool // a panic has left Run, so the Tasks may have begun on a locked goroutine

	running      *Task      // the Task that runs; nil in callbacks
	seat         *coroutine // where the loop's goroutine is suspended while a Task runs
	direct       bool       // a Task may switch to the one that runs next
	toRun        int        // how many Tasks of the list runnable run in this turn
	far          bool       // ahead prefetches for the next Events
	ahead        lookahead
	loopReported bool             // see reported
	loopWakes    bool             // an Event or a timer wakes Tasks: these go to woken
	woken        []*Task          // the Tasks that this Event or timer has woken
	runnable     queue[wokenTask] // sorted by the time of their wake
	idle         []*coroutine     // coroutines that wait for a Task; none while there are no Tasks

	conns       int // open or dialling; a drain ends these and the objects of the next three fields
	listeners   int
	packets     int
	tasks       list[Task, *Task]
	unconnected list[Conn, *Conn] // Conns without a descriptor: a lookup or a connect is due
	dials       queue[*Conn]      // the Conns of unconnected that wait for their first connect

	unclosed      bool // the drain has Conns to close, with descriptors from nextClose on
	nextClose     int
	aborting      bool             // the iteration over the Tasks cancels each Task
	draining      bool             // no more Conns, Listeners, Watches and Tasks are accepted
	shutdownWaits bool             // a Shutdown waits; its deadline replaces WithLinger
	undelivered   UndeliveredError // the output that the drain has not delivered
	stopped       bool             // the last turn has ended
	failed        error            // the reason why the loop cannot continue
	aborted       bool             // a context's end has aborted something, or started the drain
	doneEarly     bool             // done was closed before the loop had ended

	figures   // only the loop uses these; board has copies for other goroutines
	board     board
	changed   bool // a count has changed that publish does not copy in every turn
	times     times
	shown     shown
	slow      slowTurns
	byHand    bool    // user code calls Turn
	sleeper   sleeper // the poller, if it can report whether a Wait has slept
	logLimits logLimits
	trace     traces
	guards    bool // callbacks are guarded, because of a panic handler, the watchdog or Enter
	entered   bool // a callback is between Enter and Leave
	watchdog  *watchdog
	painter   *painter // collects a picture, or nil
	recent    recent

	owner           atomic.Int32 // ownerless, ownerRun, ownerTurn, ownerShutdown or ownerLost
	awake           atomic.Int64 // when the turn began; 0 while the loop sleeps
	drain           atomic.Bool  // Shutdown was called
	shutdownWaiting atomic.Bool  // a Shutdown waits or has waited
	handing         atomic.Bool  // the Shutdown that runs the loop gives the loop to another caller
	abort           atomic.Bool  // the context of the last Shutdown, or of Run, has ended
	queued          atomic.Int32 // the length of posted
	postsRefused    atomic.Uint64
	pictures        atomic.Int32 // requests for a picture that wait for a turn
	measuring       atomic.Int64 // since when the loop measures its time for Load; 0: it does not
	done            chan struct{}
	result          error // why the loop has ended; written before done is closed

	restarting chan struct{}  // locks Restart: one at a time
	removals   sync.WaitGroup // goroutines that remove files of Unix sockets; the end waits for them

	mu           sync.Mutex // guards the fields below, which any goroutine may use
	posted       postQueue
	waiters      int  // how many callers of Shutdown wait whose context has not ended
	postsClosed  bool // Post returns ErrClosed
	pollerClosed bool // the poller is closed
	failing      bool // the loop has failed and will stop
}

// A flusher is flushed at the end of the step.
type flusher interface{ flushStep() }

// A closedCall is the last call of a handler. It is made at the end of the step, so that no
// callback runs inside another one.
type closedCall struct {
	owner interface{ callClosed(error) }
	err   error
}

const (
	ownerless = iota
	ownerRun
	ownerTurn
	ownerShutdown // Shutdown was called and not Run
	ownerLost     // a panic has left Run; Shutdown will release everything
)

// New makes a reactor. The reactor has two descriptors until Run has returned. If Run is not
// called, it has them until Shutdown has returned.
//
// The first New of a process also makes the Go runtime open two descriptors of its own. If the
// process reached its limit of descriptors before, the runtime could not open them later.
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

// FD returns the descriptor of the poller, so that another loop can run this one. Call Turn when FD
// is readable, or when the time that Next returns has come.
func (r *Reactor) FD() int { return r.poller.FD() }

// Next returns when Turn must be called even if FD is not readable. 0 means now.
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

// Now returns the time of the Kernel's clock.
func (r *Reactor) Now() timeout.Deadline { return r.k.Now() }

// Time returns the date and time. On a simulated host, it is the date of that host.
func (r *Reactor) Time() time.Time { return kernel.Time(r.k) }

// Post makes the loop call f once, in the next turn. Any goroutine and any callback may call Post.
// If Post returns an error, f is not called. The error is ErrFull if the limit of WithPostLimit is
// reached, and ErrClosed if the reactor has stopped.
func (r *Reactor) Post(f func()) error {
	if f == nil {
		panic("reactor: Post of a nil function")
	}
	return r.post(post{f: f}, nil)
}

// wake ends the loop's sleep. It does nothing if the loop is awake, because the loop checks posted
// before it sleeps.
func (r *Reactor) wake() {
	if r.awake.Load() != 0 {
		return
	}
	var err error
	r.mu.Lock() // the lock excludes a close of the poller, whose number could then be another file's
	if !r.pollerClosed {
		err = r.poller.Wake()
	}
	r.mu.Unlock() // unlocked before the logger is called, which is user code
	if err != nil {
		r.log.Error("cannot wake the loop", zaplog.Error(err))
	}
}

// Kernel returns the Kernel of the reactor.
func (r *Reactor) Kernel() Kernel {
	if r == nil {
		panic("reactor: a nil Reactor: pass one that New has made")
	}
	return r.k
}

// Loop returns the index of the Reactor in its Group. It returns 0 if there is no Group.
func (r *Reactor) Loop() int { return r.loop }
