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
	// Errno is an error number of the machine, such as syscall.ECONNRESET.
	Errno = kernel.Errno
)

// epoch is the time at which a world begins. It is above 0, so a deadline of 0 has already passed.
const epoch = int64(time.Second)

// A World contains hosts, the network between them and a clock. It belongs to one goroutine.
type World struct {
	seed      uint64
	opt       Options
	now       int64
	made      int64 // when the current event was planned; for a packet: when it was sent
	events    agenda
	step      uint64 // events and calls so far: the position in the history
	key       uint64 // the key of all random choices: see Host.dice and Host.stream
	users     *Rand
	only      map[Fault]Fault // the faults of Options.Faulty by their keys
	hosts     []*Host
	byIP      map[netip.Addr]*Host // never iterated
	names     map[string][]netip.Addr
	clogs     []*clog // of the Swizzles in progress
	swizzles  uint64
	cuts      []*Cut
	rules     []*Rule
	sometimes map[string]int // see Sometimes
	cur       *proc          // the running program; nil means the world or its test
	driven    bool           // true inside drive
	ran       *proc          // the last program that has run
	live      *Live          // nil: Run and its relatives run the world
	calls     uint64
	faults    uint64 // how many have happened
	happened  []Fault
	failed    error
	closed    bool
	trace     trace

	wakes   atomic.Bool // true if woken is not empty
	mu      sync.Mutex  // guards woken
	woken   []*epoll
	looping uint64 // calls since the clock has moved

	late     func() // if not nil, called once at lateFrom: see RunUntil
	lateFrom int64
	cutoff   int64 // the run is stopped at this time: see Shrink
	// observe gets each call before and after the kernel has made it. Only tests of this package set
	// it.
	observe func(h *Host, c Call, fd, res int, e Errno, after bool)
	sizes   []Size
	marks   []mark // the places of faults in the trace

	graves []*proc // programs that have died; they are parked until Close

	// These fields are for owned.
	coroutines int                    // programs and tasks
	others     int                    // other goroutines of the process
	stacks     [stacksKept]knownStack // goroutines that may call the kernel
}

// New makes a world. It panics if an option is out of its range.
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

// Rand returns the source of random choices for tests. Programs on hosts use Host.Rand.
func (w *World) Rand() *Rand { return w.users }

// Now returns how long the world has run.
func (w *World) Now() time.Duration { return time.Duration(w.now - epoch) }

// Step returns the position in the history, which is the number of events and calls of the kernels
// so far.
func (w *World) Step() uint64 { return w.step }

// Calls returns how many calls of simulated kernels were made. Injected returns how many faults
// have happened.
func (w *World) Calls() uint64    { return w.calls }
func (w *World) Injected() uint64 { return w.faults }

// At calls f after d, outside of all programs: to cut a link, to crash a host, to check invariants.
func (w *World) At(d time.Duration, f func()) {
	at := w.in("At", d)
	if f == nil {
		panic("sim: At of a nil function")
	}
	w.owned(act("At"), nil)
	w.events.add(at, call(f), 0, 0, 0)
}

// in returns the world's time after d.
func (w *World) in(what string, d time.Duration) int64 {
	if d < 0 || d > lifetime {
		panic(fmt.Sprintf("sim: %s(%v): must be 0 or more, and at most 100 years", what, d))
	}
	return w.now + int64(d)
}

// lifetime limits how far ahead a test can plan or wait, and by how much a clock can be stepped.
const lifetime = 100 * 365 * 24 * time.Hour

// Fail ends the run with an error. Run returns it as a *Failure.
func (w *World) Fail(err error) {
	if w.failed == nil && !w.trace.sealed {
		// A stack contains addresses, which differ between runs.
		text, stack, _ := strings.Cut(err.Error(), "\n")
		w.trace.note(w, "FAIL "+text)
		w.trace.amend(stack)
		w.failed = &Failure{Seed: w.seed, Step: w.step, At: w.Now(), Err: err}
	}
}

// Err returns the failure so far, or nil if there is none.
func (w *World) Err() error { return w.failed }

// Close ends all programs: their kernels stop working, so Run of a reactor returns an error. No
// goroutine remains. The calls of ending programs are not a part of the history. Programs
// that have died earlier also end now.
func (w *World) Close() {
	if w.closed {
		return
	}
	w.cur = nil // FailNow of a test may have ended a program
	w.events.heap = nil
	w.trace.sealed = true
	for _, h := range w.hosts {
		h.crash()
	}
	w.reap()
	w.closed = true
	w.events.heap = nil
}

// reap lets the dead programs run to their end. The programs reach their end, because each of their
// waits fails.
func (w *World) reap() {
	for len(w.graves) > 0 {
		p := w.graves[0]
		w.graves = w.graves[1:]
		for i := 0; !p.ended; i++ {
			if i == 1000 {
				panic(fmt.Sprintf("sim: program %s continues although its host has crashed; it must return when Run returns an error", p))
			}
			p.resume()
		}
	}
}

// A Failure is an error together with its place in the history.
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
