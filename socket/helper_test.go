//go:build unix

package socket_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

func TestMain(m *testing.M) {
	longtest.AtOnce(8) // many tests wait for deadlines
	goleak.VerifyTestMain(m)
}

// guard is how long a test waits for something that must happen. A test that waits longer fails.
const guard = longtest.Guard

const (
	stream = socket.SOCK_STREAM
	dgram  = socket.SOCK_DGRAM
	inet   = socket.AF_INET
)

// A lab is where a test runs. The same code runs with sockets that park goroutines, and with
// sockets of tasks.
type lab struct {
	t    testing.TB
	k    kernel.Kernel
	r    *reactor.Reactor // nil if calls park goroutines
	task *reactor.Task    // the present Task
	os   string           // the GOOS of the system whose rules the kernel follows
	open *owned
	note string // text in front of each failure
}

// owned has the objects that are closed at the end of the test.
type owned struct {
	mu   sync.Mutex
	list []*socket.Socket
}

// stop is the panic that ends a test that has failed. A task must not call FailNow.
type stop struct{}

func (l *lab) fatalf(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf(l.note+format, args...)
	panic(stop{})
}

// skip ends the part of a test that runs on this kernel. A task must not call SkipNow.
func (l *lab) skip(why string) {
	l.t.Log(l.note + why)
	panic(stop{})
}

// caught runs f, and recovers the panic stop.
func caught(t testing.TB, f func()) {
	defer func() {
		if v := recover(); v != nil && v != (stop{}) {
			panic(v)
		}
	}()
	f()
}

// both runs the test in goroutines and in tasks. In tasks it also runs on a simulated kernel. If
// the results differ, one of the two kernels is wrong.
func both(t *testing.T, f func(l *lab)) {
	t.Run("parked", func(t *testing.T) { parked(t, f) })
	if !testing.Short() { // with -short, only the simulated kernel runs tasks
		t.Run("task", func(t *testing.T) { inTask(t, f) })
	}
	onSimulated(t, f)
}

// bothAtOnce is like both, in parallel with other tests. It is for tests that sleep long and do not
// measure the process.
func bothAtOnce(t *testing.T, f func(l *lab)) {
	t.Run("parked", func(t *testing.T) { t.Parallel(); parked(t, f) })
	t.Run("task", func(t *testing.T) { t.Parallel(); inTask(t, f) })
	onSimulated(t, f)
}

// onSimulated runs the test on each simulated kernel.
func onSimulated(t *testing.T, f func(l *lab)) {
	for _, k := range []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD} {
		t.Run("simulated "+k.String(), func(t *testing.T) { simulated(t, k, f) })
	}
}

func parked(t testing.TB, f func(l *lab)) {
	l := &lab{t: t, k: kernel.Host, os: runtime.GOOS, open: new(owned)}
	defer l.closeAll()
	caught(t, func() { f(l) })
}

func inTask(t testing.TB, f func(l *lab)) {
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	taskOn(t, ctx, kernel.Host, f)
}

// simulated is inTask on a host of a world without faults, whose clock jumps. A wait that cannot
// end fails the test at once.
func simulated(t testing.TB, k sim.Kernel, f func(l *lab)) {
	w := sim.New(1, sim.Options{Kernel: k, Buffer: 256 << 10})
	defer w.Close()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *sim.Deadlock, *sim.Failure:
			t.Error(v)
		default:
			panic(v)
		}
	}()
	taskOn(t, context.Background(), w.Host("10.0.0.1"), func(l *lab) {
		l.os = strings.ToLower(k.String())
		f(l)
	})
}

func (l *lab) isSimulated() bool { return l.k != kernel.Host }

// now returns the time of the kernel's clock.
func (l *lab) now() time.Duration { return time.Duration(l.k.Now()) }

func taskOn(t testing.TB, ctx context.Context, k kernel.Kernel, f func(l *lab)) {
	r, err := reactor.New(reactor.WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, k: k, r: r, os: runtime.GOOS, open: new(owned)}
	r.Go(func(task *reactor.Task) {
		l.task = task
		caught(t, func() { f(l) })
		l.closeAll()
		r.Close()
	})
	if err := r.Run(ctx); err != nil {
		t.Error("the reactor: ", err)
	}
}

func (l *lab) closeAll() {
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	for _, s := range l.open.list {
		s.Close()
	}
	l.open.list = nil
}

// own makes the lab close the socket at the end of the test.
func (l *lab) own(s *socket.Socket) *socket.Socket {
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	l.open.list = append(l.open.list, s)
	return s
}

// ready waits until the kernel reports one of the bits, which are those of poller.Interest.
func (l *lab) ready(s *socket.Socket, bits uint8) {
	l.until("readiness", func() bool {
		now, e := l.k.Ready(s.Fileno())
		if e != 0 {
			l.fatalf("Ready: %v", e)
		}
		return uint8(now)&bits != 0
	})
}

// readable waits until a receive would not wait.
func (l *lab) readable(s *socket.Socket) { l.ready(s, 1|1<<2|1<<3) }

// asleep waits until a call on s waits.
func (l *lab) asleep(s *socket.Socket) {
	l.until("a call that waits", func() bool { return inside.Desc(s).Registered() })
}

// asleepOr is like asleep, for a call that may end without a wait: a send into a full buffer does
// if the kernel has found room meanwhile.
func (l *lab) asleepOr(s *socket.Socket, ended *atomic.Bool) {
	l.until("a call that waits", func() bool { return inside.Desc(s).Registered() || ended.Load() })
}

func (l *lab) until(what string, done func() bool) {
	l.t.Helper()
	pause := pass
	for end := time.Now().Add(guard); !done(); l.sleep(pause) {
		if time.Now().After(end) {
			l.fatalf("no %s", what)
		}
		if pause < 100*pass { // a simulated minute would need too many steps
			pause += pause / 8
		}
	}
}

const pass = 100 * time.Microsecond

// pass yields.
func (l *lab) pass() { l.sleep(pass) }

func (l *lab) sleep(d time.Duration) {
	if l.r == nil {
		time.Sleep(d)
		return
	}
	if err := l.task.Sleep(d); err != nil {
		l.fatalf("Sleep: %v", err)
	}
}

// beside runs f at the same time, in another goroutine or task. The function join waits until f has
// returned.
func (l *lab) beside(f func(l *lab)) (join func()) {
	if l.r == nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			caught(l.t, func() { f(&lab{t: l.t, k: l.k, os: l.os, open: l.open}) })
		}()
		return func() { <-done }
	}
	task := l.task.Go(func(task *reactor.Task) {
		caught(l.t, func() { f(&lab{t: l.t, k: l.k, r: l.r, task: task, os: l.os, open: l.open}) })
	})
	return func() {
		if _, err := l.task.Join(task); err != nil {
			l.fatalf("Join: %v", err)
		}
	}
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.fatalf("%v", err)
	}
}

// errno fails the test unless the error has this number.
func (l *lab) errno(err error, want syscall.Errno) {
	l.t.Helper()
	if !errors.Is(err, want) {
		l.fatalf("error is %v, want %v", err, want)
	}
}

// value fails the test unless the error is ErrValue.
func (l *lab) value(err error) {
	l.t.Helper()
	if !errors.Is(err, socket.ErrValue) {
		l.fatalf("error is %v, want ErrValue", err)
	}
}

func (l *lab) data(got []byte, err error, want string) {
	l.t.Helper()
	if err != nil || string(got) != want {
		l.fatalf("got %.60q, %v; want %.60q", got, err, want)
	}
}

func (l *lab) send(s *socket.Socket, text string) {
	l.t.Helper()
	n, err := s.SendAll([]byte(text))
	if err != nil || n != len(text) {
		l.fatalf("SendAll: %d, %v", n, err)
	}
}

func (l *lab) recv(s *socket.Socket, n int, want string) {
	l.t.Helper()
	got, err := s.Recv(n)
	l.data(got, err, want)
}

// runtimePoller makes the Go runtime open its own poller, as it does at the first sleep of a
// process. Then a test that counts descriptors does not count the poller as a leak. And if no
// descriptor is free, the runtime does not end the process. A timer that expires before anybody
// waits for it would not be enough.
func runtimePoller() { time.Sleep(time.Nanosecond) }

// descriptors counts the open descriptors among the numbers below 4,096. It uses fcntl, because
// only Linux has /proc.
func descriptors(testing.TB) (n int) {
	runtimePoller()
	for fd := range 4096 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n++
		}
	}
	return n
}
