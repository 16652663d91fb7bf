//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
)

const (
	IN, OUT, ERR, HUP, NVAL = sel.POLLIN, sel.POLLOUT, sel.POLLERR, sel.POLLHUP, sel.POLLNVAL

	// guard is a time in milliseconds that no poll of a correct run takes.
	guard = 60_000
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if removeScratch != nil {
			removeScratch()
		}
		os.Exit(code)
	}))
}

// must ends the test by a panic if there is an error, because a task must not call t.Fatal.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// done is like must, for the Errno of a Kernel's call.
func done(e kernel.Errno) {
	if e != 0 {
		panic(e)
	}
}

// A lab is where a test runs: in goroutines or in tasks of a reactor, on the host's kernel or on a
// simulated one.
type lab struct {
	testing.TB
	k      kernel.Kernel
	kqueue bool             // its Pollers follow the rules of kqueue
	os     string           // the GOOS of the system whose rules the kernel follows
	r      *reactor.Reactor // nil if the test runs in goroutines
	task   *reactor.Task
	open   map[*object]bool
	polls  []*sel.Poll
	spy    *spy
}

// both runs the test in goroutines and in tasks, each for at most a minute. In tasks it also runs
// on simulated kernels, with the Pollers of Linux and of the BSDs.
func both(t *testing.T, f func(l *lab)) {
	onHost(t, f)
	inSimulated(t, f)
}

// onHost runs a test of something that no simulated kernel has: files, pipes, duplicates.
func onHost(t *testing.T, f func(l *lab)) {
	t.Run("parked", func(t *testing.T) {
		l := newLab(t, kernel.Host, nil)
		defer l.closeAll()
		f(l)
	})
	t.Run("task", func(t *testing.T) { inTask(t, f) })
}

// inTasks runs a test that concerns only tasks.
func inTasks(t *testing.T, f func(l *lab)) {
	t.Run("task", func(t *testing.T) { inTask(t, f) })
	inSimulated(t, f)
}

// bsds are the simulated kernels with kqueues.
var bsds = []sim.Kernel{sim.FreeBSD, sim.NetBSD}

func inSimulated(t *testing.T, f func(l *lab)) {
	t.Run("simulated", func(t *testing.T) { simulated(t, sim.Options{}, f) })
	for _, k := range bsds {
		t.Run("simulated "+k.String(), func(t *testing.T) { simulated(t, sim.Options{Kernel: k}, f) })
	}
}

// inCallback is like inTasks, but runs the test in a callback of the loop.
func inCallback(t *testing.T, f func(l *lab)) {
	begin := func(l *lab) {
		l.r.After(0, func() {
			defer l.r.Close()
			defer l.closeAll()
			f(l)
		})
	}
	t.Run("host", func(t *testing.T) { onLoop(t, kernel.Host, begin) })
	t.Run("simulated", func(t *testing.T) { inWorld(t, sim.Options{}, begin) })
	for _, k := range bsds {
		t.Run("simulated "+k.String(), func(t *testing.T) { inWorld(t, sim.Options{Kernel: k}, begin) })
	}
}

func inTask(t testing.TB, f func(l *lab)) {
	t.Helper()
	onLoop(t, kernel.Host, func(l *lab) { l.begin(f) })
}

func simulated(t testing.TB, opt sim.Options, f func(l *lab)) {
	t.Helper()
	inWorld(t, opt, func(l *lab) { l.begin(f) })
}

// begin runs the test in a task.
func (l *lab) begin(f func(l *lab)) {
	l.r.Go(func(task *reactor.Task) {
		defer l.r.Close()
		defer l.closeAll()
		l.task = task
		f(l)
	})
}

// onLoop makes a reactor, calls begin, and runs the reactor.
func onLoop(t testing.TB, k kernel.Kernel, begin func(l *lab)) {
	t.Helper()
	r, err := reactor.New(reactor.WithKernel(k))
	must(err)
	begin(newLab(t, k, r))
	must(r.Run(context.Background()))
}

// inWorld is onLoop on a host of a world without faults, whose clock jumps. A wait that cannot end
// fails the test at once. Descriptors that are open at the end fail it too.
func inWorld(t testing.TB, opt sim.Options, begin func(l *lab)) {
	t.Helper()
	opt.Files = 4096
	w := sim.New(1, opt)
	defer w.Close()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *sim.Deadlock:
			t.Error(v)
		case *sim.Failure:
			t.Error(v)
		default:
			panic(v)
		}
	}()
	onLoop(t, w.Host("10.0.0.1"), func(l *lab) {
		l.kqueue, l.os = opt.Kernel != sim.Linux, strings.ToLower(opt.Kernel.String())
		begin(l)
	})
	if err := w.Err(); err != nil {
		t.Error(err)
	}
	for _, left := range w.Leaks() {
		t.Error("is left open: ", left)
	}
}

func newLab(t testing.TB, k kernel.Kernel, r *reactor.Reactor) *lab {
	l := &lab{TB: t, k: k, r: r, open: map[*object]bool{}, os: runtime.GOOS, kqueue: k == kernel.Host && runtime.GOOS != "linux"}
	l.spy = &spy{Waiter: l.waiter(), who: map[*desc.Desc]bool{}}
	return l
}

func (l *lab) closeAll() {
	for _, p := range l.polls {
		p.Close()
	}
	l.polls = nil
	for o := range maps.Clone(l.open) {
		o.close()
	}
}

func (l *lab) isSimulated() bool { return l.k != kernel.Host }

func (l *lab) waiter() desc.Waiter {
	if l.r != nil {
		return inside.Waiter(l.r)
	}
	return desc.Parked
}

// poll makes a Poll and registers the objects.
func (l *lab) poll(objs ...sel.Pollable) *sel.Poll { return l.pollBy(l.k, objs...) }

// pollBy makes a Poll on a kernel that wraps that of the lab.
func (l *lab) pollBy(k kernel.Kernel, objs ...sel.Pollable) *sel.Poll {
	p := sel.NewBy(k, l.spy)
	l.polls = append(l.polls, p)
	for _, o := range objs {
		must(p.Register(o, sel.POLLIN|sel.POLLOUT))
	}
	return p
}

// elsewhere runs f in another goroutine or task. The function join waits until f has returned. A
// task runs f when the caller first waits.
func (l *lab) elsewhere(f func()) (join func()) {
	if l.r != nil {
		u := l.task.Go(func(*reactor.Task) { f() })
		me := l.task
		return func() { me.Join(u) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return func() { <-done }
}

// stranger runs f on a goroutine that is not the loop's. A simulated world has no such goroutine.
// There stranger just calls f.
func (l *lab) stranger(f func()) {
	if l.isSimulated() {
		l.elsewhere(f)
		return
	}
	go f()
}

// asleep runs a poll in another goroutine or task, and returns when that poll sleeps. The next
// actions of the caller happen during the wait.
func (l *lab) asleep(call func()) (join func()) {
	join = l.elsewhere(call)
	for passed := l.lap(); l.spy.asleep() == 0; l.rest() {
		if passed() > guard*time.Millisecond {
			panic("the call does not sleep")
		}
	}
	return join
}

// pass yields.
func (l *lab) pass() {
	if l.task != nil {
		l.task.Sleep(0)
		return
	}
	runtime.Gosched()
}

// lap returns a function that returns the time since this call, by the clock that the waits use.
func (l *lab) lap() (passed func() time.Duration) {
	from := l.k.Now()
	return func() time.Duration { return time.Duration(l.k.Now() - from) }
}

// is has the expected results of a poll.
type is map[sel.Pollable]sel.Events

// expect polls for at most ms milliseconds. It fails the test unless the results are exactly these,
// each of them once.
func (l *lab) expect(p *sel.Poll, ms int, want is) {
	l.Helper()
	passed := l.lap()
	got, err := p.Poll(ms)
	if err != nil {
		l.Errorf("Poll(%d): %v", ms, err)
	}
	// At the end of its time Poll tries once more. That would hide a lost wake-up.
	if ms == guard && passed() >= guard*time.Millisecond {
		l.Errorf("Poll(%d): nothing but its time has ended it", ms)
	}
	l.same("Poll", got, want)
}

func (l *lab) same(what string, got []sel.Event, want is) {
	l.Helper()
	seen := is{}
	for _, ev := range got {
		if _, twice := seen[ev.Obj]; twice {
			l.Errorf("%s: %s twice", what, name(ev.Obj))
		}
		seen[ev.Obj] = ev.Events
	}
	if !maps.Equal(seen, want) {
		l.Errorf("%s: got %s, want %s", what, show(seen), show(want))
	}
}

func name(o sel.Pollable) string {
	if o, ok := o.(*object); ok {
		return fmt.Sprintf("object %d", o.d.FD)
	}
	return fmt.Sprintf("%T(%v)", o, o)
}

func show(m is) string {
	s := "["
	for o, ev := range m {
		s += fmt.Sprintf(" %s:%v(%d)", name(o), ev, int(ev))
	}
	return s + " ]"
}
