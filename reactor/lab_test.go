//go:build unix

package reactor

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// guard is how long a test waits for something that must happen, by the kernel's clock. A test that
// waits longer fails.
const guard = longtest.Guard

// A lab is where a test runs: on the host's kernel or on a simulated one. It has a single
// goroutine. The lab runs the reactor by FD and Next. The peers are descriptors of the same kernel.
// While a peer waits, the reactor continues.
type lab struct {
	*testing.T
	kind   labKind
	k      Kernel
	world  *sim.World // nil on the host
	host   *sim.Host
	r      *Reactor
	fd     int   // the descriptor of the reactor's poller
	over   bool  // the reactor has ended
	failed error // the error of Turn
	lost   bool  // the world cannot continue
	frozen bool  // the lab makes no turns now
	eye    poller.Poller
	events []poller.Event
	peers  map[int]*peer
	buffer int   // the buffer size of each peer's socket; 0 is the kernel's default
	owned  []int // descriptors that are closed at the end
}

type labKind struct {
	name string
	sim  *sim.Options // nil for the host's kernel
}

// kinds has the kernels on which tests run. One of them is a simulated Linux with tiny buffers.
var kinds = []labKind{
	{"host", nil},
	{"simulated", &sim.Options{Files: 1 << 16, Buffer: 256 << 10}},
	{"simulated FreeBSD", &sim.Options{Files: 1 << 16, Kernel: sim.FreeBSD}},
	{"simulated NetBSD", &sim.Options{Files: 1 << 16, Kernel: sim.NetBSD}},
	{"simulated small", &sim.Options{Files: 1 << 16, Buffer: 4 << 10}},
}

// twice runs the test on the host's kernel and on simulated ones. If the results differ, one of the
// kernels is wrong. With -short it uses only one simulated kernel, on which no real time passes.
// That is enough for the race detector, because a lab has a single goroutine.
func twice(t *testing.T, f func(t *lab)) {
	for i, kind := range kinds {
		if i > 1 && (raceEnabled || testing.Short()) || i == 0 && testing.Short() {
			continue
		}
		if kind.sim != nil && kind.sim.Kernel == sim.NetBSD && len(t.Name())%4 > 0 && !longtest.On() {
			continue // without -long, the third kernel runs only a sample of the tests
		}
		t.Run(kind.name, func(t *testing.T) { inLab(t, kind, f) })
	}
}

// twiceAtOnce is like twice, in parallel with other tests. It is for tests that wait long or move
// many bytes. Such a test must not measure the process, for example its heap. It must not depend on
// the number of the next descriptor.
func twiceAtOnce(t *testing.T, f func(t *lab)) {
	t.Parallel()
	twice(t, f)
}

// Run runs a subtest. The subtest has a lab of its own, and a world of its own.
func (l *lab) Run(name string, f func(t *lab)) {
	l.T.Run(name, func(t *testing.T) { inLab(t, l.kind, f) })
}

// os returns the GOOS of the system whose rules the kernel follows.
func (l *lab) os() string {
	if l.kind.sim == nil {
		return runtime.GOOS
	}
	return strings.ToLower(l.kind.sim.Kernel.String())
}

func inLab(t *testing.T, kind labKind, f func(t *lab)) {
	l := newLab(t, kind)
	defer l.end()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *sim.Deadlock:
			t.Errorf("nothing happens any more: %v", v)
		case *sim.Failure:
			t.Error(v)
			l.lost = true
		default:
			panic(v)
		}
	}()
	f(l)
}

func newLab(t *testing.T, kind labKind) *lab {
	l := &lab{T: t, kind: kind, k: kernel.Host, events: make([]poller.Event, 64), peers: map[int]*peer{}}
	if kind.sim != nil {
		l.world = sim.New(1, *kind.sim)
		l.host = l.world.Host("10.0.0.1")
		l.k = l.host
	}
	var err error
	if l.eye, err = l.k.NewPoller(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) simulated() bool { return l.world != nil }

// end closes everything. On a simulated kernel it checks that the program has left nothing open.
func (l *lab) end() {
	if l.lost {
		l.world.Close()
		return
	}
	l.endReactor()
	for _, p := range l.peers {
		p.close()
	}
	for _, fd := range l.owned {
		l.k.Close(fd)
	}
	l.eye.Close()
	if !l.simulated() {
		return
	}
	if err := l.world.Err(); err != nil {
		l.Error(err)
	}
	if n := l.host.Files(); n != 0 && !l.Failed() {
		l.Errorf("%d descriptors are left", n)
	}
	l.world.Close()
}

func (l *lab) endReactor() {
	if r := l.r; r != nil && !r.stopped {
		r.inTurn = false // it is still set if a test has failed in a callback
		r.abort.Store(true)
		r.drain.Store(true)
		for r.turn(0) != ErrClosed {
		}
	}
	if r := l.r; r != nil && r.stopped && !l.Failed() {
		l.nothingLeft(r)
	}
	l.r, l.over = nil, false
}

// nothingLeft checks the gauges of a Reactor that has ended. Timers may still be armed.
func (l *lab) nothingLeft(r *Reactor) {
	l.Helper()
	s := r.Stats()
	left := Stats{Conns: s.Conns, Listeners: s.Listeners, Packets: s.Packets, Tasks: s.Tasks, Posted: s.Posted, Buffered: s.Buffered,
		Throttled: s.Throttled, Blocked: s.Blocked, Paused: s.Paused, Watched: s.Watched}
	if left != (Stats{}) {
		l.Errorf("after the end: %+v", left)
	}
}

// reactor makes the lab's reactor. If there is an earlier one, it ends that before.
func (l *lab) reactor(opts ...Option) *Reactor {
	l.Helper()
	l.endReactor()
	r, err := New(append([]Option{WithKernel(l.k)}, opts...)...)
	if err != nil {
		l.Fatal(err)
	}
	l.r, l.fd = r, r.FD()
	l.watch()
	return r
}

func (l *lab) watch() {
	if err := l.eye.Add(l.fd, 0, poller.In); err != nil {
		l.Fatal(err)
	}
}

// own makes the lab close the descriptor at the end, after the reactor.
func (l *lab) own(fd int) int {
	l.owned = append(l.owned, fd)
	return fd
}

// faults returns the lab's kernel with functions that can replace its calls.
func (l *lab) faults() *faults { return &faults{Kernel: l.k} }

// listen makes a Listener of the reactor.
func (l *lab) listen(network string, accept func(*Conn) Handler, opts ...ListenOption) net.Addr {
	l.Helper()
	if l.r == nil {
		l.reactor()
	}
	at, err := l.r.Listen(network, anyAddr(l, network), accept, opts...)
	if err != nil {
		l.Fatal(err)
	}
	return at.Addr()
}

func (l *lab) now() timeout.Deadline { return l.k.Now() }

// until lets the reactor and the peers continue until ok returns true.
func (l *lab) until(ok func() bool) {
	l.Helper()
	end := l.now() + timeout.Deadline(guard)
	for !ok() {
		if end.Passed(l.now()) {
			l.Fatal("it does not happen")
		}
		if l.simulated() {
			l.step(timeout.Never) // step panics if nothing can happen any more
		} else {
			l.step(end)
		}
	}
}

// step sleeps until the reactor or a peer can continue, at most until the deadline. Then it lets
// the reactor and the peers continue.
func (l *lab) step(until timeout.Deadline) {
	l.Helper()
	if l.turns() {
		until = until.Sooner(l.r.Next())
	}
	n, err := l.eye.Wait(l.events, until)
	if err != nil {
		l.Fatal(err)
	}
	turn := l.turns() && l.r.Next().Passed(l.now())
	for _, ev := range l.events[:n] {
		if p := l.peers[int(ev.FD)]; p != nil {
			p.pump()
		} else if int(ev.FD) == l.fd {
			turn = l.turns()
		}
	}
	if turn {
		l.turn()
	}
}

func (l *lab) turns() bool { return l.r != nil && !l.over && !l.frozen }

func (l *lab) turn() {
	l.Helper()
	if l.failed = l.r.Turn(0); l.failed != nil && !l.r.stopped {
		l.Fatal(l.failed)
	}
	l.over = l.r.stopped
}

// pass waits until the kernel's clock has advanced by d.
func (l *lab) pass(d time.Duration) {
	for end := l.now() + timeout.Deadline(d); !end.Passed(l.now()); {
		l.step(end)
	}
}

// spend keeps a callback busy for the time d.
func (l *lab) spend(d time.Duration) {
	if l.simulated() {
		if err := l.world.Run(d); err != nil {
			l.Fatal(err)
		}
		return
	}
	for end := l.now() + timeout.Deadline(d); l.now() < end; {
	}
}

// freeze makes no turns while f runs. So several things can happen before the next turn.
func (l *lab) freeze(f func()) {
	if err := l.eye.Del(l.fd); err != nil {
		l.Fatal(err)
	}
	l.frozen = true
	f()
	l.frozen = false
	l.watch()
}

// still waits for a period of this length in which the reactor makes no turn. A reactor that spins
// has no such period.
func (l *lab) still(stretch time.Duration) {
	l.Helper()
	var turns uint64
	for range 50 {
		before := l.r.Stats().Turns
		l.pass(stretch)
		if turns = l.r.Stats().Turns - before; turns == 0 {
			return
		}
		if turns > 100_000 {
			break
		}
	}
	l.Fatalf("the loop does not come to rest: %d turns in the last %v", turns, stretch)
}

// drain begins a Shutdown with this limit. The test can then act, and calls the function `wait`,
// which returns when the drain has ended. Shutdown would block its goroutine, and a simulated
// kernel has only one. On such a kernel, drain does what Shutdown makes the loop do.
func (l *lab) drain(limit time.Duration) (wait func() error) {
	r := l.r
	if l.simulated() {
		end := l.now() + timeout.Deadline(limit)
		r.shutdownWaiting.Store(true)
		r.drain.Store(true)
		r.wake()
		return func() error {
			for !l.over && !end.Passed(l.now()) {
				l.step(end)
			}
			if !l.over {
				r.abortNow()
				l.until(func() bool { return l.over })
			}
			return r.result
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(ctx) }()
	for !r.drain.Load() {
		l.step(l.now() + timeout.Deadline(time.Millisecond))
	}
	return func() error {
		defer cancel()
		l.until(func() bool { return l.over })
		return <-done
	}
}

// shutdown begins a drain and waits until the drain has ended.
func (l *lab) shutdown(limit time.Duration) error {
	l.Helper()
	return l.drain(limit)()
}
