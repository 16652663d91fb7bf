package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

type (
	// Addr is the address of a socket.
	Addr = kernel.Addr
	// Errno is the number of an error, the machine's own: syscall.ECONNRESET is one.
	Errno = kernel.Errno
)

// epoch is when a world begins. A deadline of 0 has passed then.
const epoch = int64(time.Second)

// A World has hosts, the network between them and a clock. It belongs to one goroutine.
type World struct {
	seed      uint64
	opt       Options
	now       int64
	made      int64 // when the present event was planned; for a packet, when it was sent
	events    agenda
	step      uint64 // events and calls so far: the position in the history
	key       uint64 // the key of all random choices; see Host.dice and Host.stream
	users     *Rand
	only      map[Fault]Fault // Options.Faulty by the key of a fault
	hosts     []*Host
	byIP      map[netip.Addr]*Host // never iterated
	names     map[string][]netip.Addr
	clogs     []*clog // of running Swizzles
	swizzles  uint64
	cuts      []*Cut
	rules     []*Rule
	sometimes map[string]int // see Sometimes
	cur       *proc          // the program that runs; nil: the world, or its test
	driven    bool           // inside drive
	ran       *proc          // the last program that ran
	live      *Live          // nil: the world runs in Run
	calls     uint64
	faults    uint64 // injected
	happened  []Fault
	failed    error
	closed    bool
	trace     trace

	wakes   atomic.Bool // woken is not empty
	mu      sync.Mutex  // guards woken
	woken   []*epoll
	looping uint64 // calls since the clock moved

	late     func() // called once at lateFrom, if not nil: see RunUntil
	lateFrom int64
	cutoff   int64 // the run fails at this time: see Shrink
	// observe sees each call before and after the kernel does it. Only tests of this package set it.
	observe func(h *Host, c Call, fd, res int, e Errno, after bool)
	sizes   []Size
	marks   []mark // places of faults in the trace

	graves []*proc // programs that died; they are parked until Close

	// The following fields are for owned.
	coroutines int                    // programs and tasks
	others     int                    // other goroutines of the process
	stacks     [stacksKept]knownStack // parts of the stacks of callers that may call the kernel
}

// New makes a world. Options out of their range panic.
func New(seed uint64, opt Options) *World {
	opt.check()
	if opt.Segment == 0 && seed%4 == 1 {
		opt.Segment = pieces
	}
	w := &World{seed: seed, opt: opt.filled(), now: epoch, byIP: map[netip.Addr]*Host{}, names: map[string][]netip.Addr{}}
	source := &Rand{seed}
	w.key, w.users = source.Uint64(), source.split()
	w.events.now, w.cutoff = &w.now, never
	if opt.Faulty != nil {
		w.only = map[Fault]Fault{}
		for _, f := range opt.Faulty {
			w.only[f.key()] = f
		}
	}
	w.trace.begin(w)
	return w
}

// Seed returns the seed that was passed to New.
func (w *World) Seed() uint64 { return w.seed }

// Kernel returns the system whose rules the hosts follow.
func (w *World) Kernel() Kernel { return w.opt.Kernel }

// Rand returns the source of choices for tests. Programs on hosts use Host.Rand.
func (w *World) Rand() *Rand { return w.users }

// Now returns how long the world has run.
func (w *World) Now() time.Duration { return time.Duration(w.now - epoch) }

// Step returns the position in the history. It counts events and calls of the kernels.
func (w *World) Step() uint64 { return w.step }

// Calls returns how many calls of simulated kernels were made. Injected returns how many faults
// happened.
func (w *World) Calls() uint64    { return w.calls }
func (w *World) Injected() uint64 { return w.faults }

// At calls f after d, outside every program: to cut a link, to crash a host, to check invariants.
func (w *World) At(d time.Duration, f func()) {
	at := w.in("At", d)
	if f == nil {
		panic("sim: At of a nil function")
	}
	w.owned(act("At"), nil)
	w.events.add(at, call(f), 0, 0, 0)
}

// in returns the time d from now.
func (w *World) in(what string, d time.Duration) int64 {
	if d < 0 || d > lifetime {
		panic(fmt.Sprintf("sim: %s(%v): must be 0 or more, and at most 100 years", what, d))
	}
	return w.now + int64(d)
}

// lifetime is the most that a test can plan or wait at once, and that a clock can be stepped.
const lifetime = 100 * 365 * 24 * time.Hour

// Fail ends the run with an error. Run returns it as a *Failure.
func (w *World) Fail(err error) {
	if w.failed == nil && !w.trace.sealed {
		// A stack has addresses, which differ between runs.
		text, stack, _ := strings.Cut(err.Error(), "\n")
		w.trace.note(w, "FAIL "+text)
		w.trace.amend(stack)
		w.failed = &Failure{Seed: w.seed, Step: w.step, At: w.Now(), Err: err}
	}
}

// Err returns the failure so far, nil if there is none.
func (w *World) Err() error { return w.failed }

// Close ends all programs: their kernels stop working, so Run of a reactor returns an error. It
// leaves no goroutine. What the programs do while they end is not part of the history. Programs
// that have crashed earlier end only now.
func (w *World) Close() {
	if w.closed {
		return
	}
	w.cur = nil // FailNow of a test may have left a program
	w.events.heap = nil
	w.trace.sealed = true
	for _, h := range w.hosts {
		h.crash()
	}
	w.reap()
	w.closed = true
	w.events.heap = nil
}

// reap lets the dead programs run to their end. They reach their end, because every wait of theirs
// fails.
func (w *World) reap() {
	for len(w.graves) > 0 {
		p := w.graves[0]
		w.graves = w.graves[1:]
		for i := 0; !p.ended; i++ {
			if i == 1000 {
				panic(fmt.Sprintf("sim: program %s goes on although its host has crashed; it must end when Run returns an error", p))
			}
			p.resume()
		}
	}
}

// A Failure is an error with its place in the history.
type Failure struct {
	Seed uint64
	Step uint64
	At   time.Duration
	Err  error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed=%d step=%d at=%v: %v", f.Seed, f.Step, f.At, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }
