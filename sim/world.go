package sim

import (
	"fmt"
	"net/netip"
	"runtime"
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
	key       uint64 // for all choices by chance; see Host.dice and Host.stream
	users     *Rand
	only      map[Fault]Fault // Options.Faulty by name
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

	graves []*proc // programs that died; they are parked until Close

	// for owned:
	coroutines int                 // programs and tasks
	others     int                 // goroutines that are none
	stacks     [stacksKept]uintptr // parts of stacks of callers that may
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
	w.events.now = &w.now
	if opt.Faulty != nil {
		w.only = map[Fault]Fault{}
		for _, f := range opt.Faulty {
			w.only[f.key()] = f
		}
	}
	w.trace.begin(w)
	return w
}

// Seed returns New's seed.
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

// Run lets d of virtual time pass. It returns an error if it ended early: a panic of a program,
// Fail, or a program that spins. Programs that wait without end are no error; see RunUntilDone.
func (w *World) Run(d time.Duration) error {
	until := w.in("Run", d)
	err := w.run(func() bool { return false }, until)
	if err == nil {
		w.now = max(w.now, until)
	}
	return err
}

// RunUntilIdle runs until nothing is pending: each program has ended, or waits for what only
// another one could send.
func (w *World) RunUntilIdle() error { return w.run(func() bool { return false }, never) }

// RunUntilDone runs until all programs have ended. It returns a *Deadlock if they never will, or
// not within the limit. 0 means no limit.
func (w *World) RunUntilDone(limit time.Duration) error { return w.RunUntil(w.done, limit) }

// RunUntil runs until the condition holds. It checks the condition after every event. It returns a
// *Deadlock if the condition never holds, or not within the limit. 0 means no limit.
func (w *World) RunUntil(ok func() bool, limit time.Duration) error {
	until := w.in("RunUntil", limit)
	if limit == 0 {
		until = never
	}
	if err := w.run(ok, until); err != nil {
		return err
	}
	if !ok() {
		return w.stuck()
	}
	return nil
}

const never = int64(^uint64(0) >> 1)

func (w *World) done() bool {
	for _, h := range w.hosts {
		for _, p := range h.procs {
			if !p.over() {
				return false
			}
		}
	}
	return true
}

// run is named by fromWorld.
//
//go:noinline
func (w *World) run(ok func() bool, until int64) error {
	if w.cur != nil || w.driven {
		panic("sim: the world is running already; programs and functions of At are called by it")
	}
	if w.closed {
		panic("sim: the world is closed")
	}
	w.drives()
	defer func() { w.driven = false }()
	for w.failed == nil && !ok() && w.next(until) {
	}
	return w.failed
}

func (w *World) drives() {
	w.driven = true
	w.others = runtime.NumGoroutine() - w.coroutines
}

// next runs the next event, if there is one until then. It returns whether it did.
func (w *World) next(until int64) bool {
	if w.wakes.Load() {
		w.takeWakes()
	}
	if len(w.events.heap) == 0 || w.events.heap[0].at > until {
		return false
	}
	e := w.events.pop()
	if e.at > w.now {
		w.now, w.looping = e.at, 0
	}
	w.tick()
	w.made = e.made
	e.who.act(e.what, e.a, e.b)
	return true
}

// tick counts a step. If programs make calls without end while the clock stands still, one of them
// spins.
func (w *World) tick() {
	w.step++
	w.looping++
	if w.looping > spins && w.failed == nil {
		who := "a function of the test"
		if w.cur != nil {
			who = "program " + w.cur.String()
		}
		w.Fail(fmt.Errorf("sim: %d steps at one time: %s spins", uint64(spins), who))
	}
	if w.looping > 2*spins {
		panic(w.failed)
	}
}

const spins = 10_000_000

// Fail ends the run with an error. Run returns it as a *Failure.
func (w *World) Fail(err error) {
	if w.failed == nil && !w.trace.sealed {
		text, stack, _ := strings.Cut(err.Error(), "\n") // a stack has addresses, which are not history
		w.trace.note(w, "FAIL "+text)
		w.trace.amend(stack)
		w.failed = &Failure{Seed: w.seed, Step: w.step, At: w.Now(), Err: err}
	}
}

// Err returns the failure so far, nil if there is none.
func (w *World) Err() error { return w.failed }

// Close ends all programs: their kernels stop working, so Run of a reactor returns an error. It
// leaves no goroutine. The history has ended by then. Programs that have crashed earlier end only
// now.
func (w *World) Close() {
	if w.closed {
		return
	}
	w.cur = nil // a test may have left a program by FailNow
	w.events.heap = nil
	w.trace.sealed = true
	for _, h := range w.hosts {
		h.crash()
	}
	w.reap()
	w.closed = true
	w.events.heap = nil
}

// reap lets the dead programs finish. They cannot wait any more, so they do.
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
