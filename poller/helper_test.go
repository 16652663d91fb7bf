//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

const (
	In, Out, Err, Hup, Edge, End = poller.In, poller.Out, poller.Err, poller.Hup, poller.Edge, poller.End

	// guard is longer than any wait of a correct run.
	guard = longtest.Guard
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lab is the kernel whose Pollers a test uses.
type lab struct {
	testing.TB
	k      kernel.Kernel
	kqueue bool       // its Pollers follow the rules of kqueue
	os     string     // the GOOS of the system whose rules they follow
	w      *sim.World // nil if the kernel is the host's
	h      *sim.Host
	fds    []int
}

// both runs the test with the Pollers of the host, and then with those of each simulated kernel.
func both(t *testing.T, f func(l *lab)) {
	t.Run("host", func(t *testing.T) { f(newLab(t)) })
	for _, k := range []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD} {
		t.Run("simulated "+k.String(), func(t *testing.T) { simulated(t, sim.Options{Kernel: k}, f) })
	}
}

func newLab(t testing.TB) *lab {
	l := &lab{TB: t, k: kernel.Host, kqueue: runtime.GOOS != "linux", os: runtime.GOOS}
	t.Cleanup(l.closeAll)
	return l
}

// simulated runs the test on a world without faults, as code outside of the world's programs. So a
// Wait of the test makes the world run. A wait that cannot end fails the test at once. Descriptors
// that are open at the end fail it too.
func simulated(t testing.TB, opt sim.Options, f func(l *lab)) {
	w := sim.New(1, opt)
	t.Cleanup(w.Close) // registered first, so it runs last: the Cleanup of each Poller runs before
	l := &lab{TB: t, w: w, h: w.Host("10.0.0.1"), kqueue: opt.Kernel != sim.Linux, os: strings.ToLower(opt.Kernel.String())}
	l.k = l.h
	t.Cleanup(func() {
		l.closeAll()
		if err := w.Err(); err != nil {
			t.Error(err)
		}
		for _, left := range w.Leaks() {
			t.Error("is left open: ", left)
		}
	})
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
	f(l)
}

func (l *lab) isSimulated() bool { return l.w != nil }

// closeAll closes the descriptors that the test has left open.
func (l *lab) closeAll() {
	for _, fd := range l.fds {
		l.k.Close(fd)
	}
	l.fds = nil
}

// own makes the lab close the descriptor at the end of the test.
func (l *lab) own(fd int, e kernel.Errno) int {
	l.Helper()
	l.done(e)
	l.fds = append(l.fds, fd)
	return fd
}

func (l *lab) close(fd int) {
	l.Helper()
	for i := range l.fds {
		if l.fds[i] == fd {
			l.fds = append(l.fds[:i], l.fds[i+1:]...)
			break
		}
	}
	l.done(l.k.Close(fd))
}

// open makes a Poller. The Poller is closed before the descriptors that it watches.
func (l *lab) open() poller.Poller {
	l.Helper()
	p, err := l.k.NewPoller()
	l.must(err)
	l.Cleanup(func() { l.must(p.Close()) })
	return p
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// done is like must, for the Errno of a Kernel's call.
func (l *lab) done(e kernel.Errno) {
	l.Helper()
	if e != 0 {
		l.Fatal(e)
	}
}

var serial atomic.Int64

func (l *lab) socket(family, typ int) int {
	l.Helper()
	return l.own(l.k.Socket(family, typ, 0))
}

// pair returns two connected Unix stream sockets. The descriptor a is opened before b.
func (l *lab) pair() (a, b int) {
	l.Helper()
	a = l.socket(kernel.AF_UNIX, kernel.SOCK_STREAM)
	ln := l.socket(kernel.AF_UNIX, kernel.SOCK_STREAM)
	at := kernel.Unix(fmt.Sprintf("%s/ureactor-poller-%d-%d", os.TempDir(), os.Getpid(), serial.Add(1)))
	l.done(l.k.Bind(ln, at))
	l.done(l.k.Listen(ln, 1))
	l.done(l.k.Connect(a, at))
	fd, _, e := l.k.Accept(ln)
	b = l.own(fd, e)
	l.done(l.k.Unlink(at.Path))
	l.close(ln)
	return a, b
}

var loopback = kernel.Inet(netip.MustParseAddrPort("127.0.0.1:0"))

// bound returns a socket that is bound to an unused address.
func (l *lab) bound(typ int) (fd int, at kernel.Addr) {
	l.Helper()
	fd = l.socket(kernel.AF_INET, typ)
	l.done(l.k.Bind(fd, loopback))
	at, e := l.k.LocalAddr(fd)
	l.done(e)
	return fd, at
}

// connected returns a socket that has begun to connect to the address.
func (l *lab) connected(typ int, to kernel.Addr) int {
	l.Helper()
	fd := l.socket(kernel.AF_INET, typ)
	if e := l.k.Connect(fd, to); e != kernel.EINPROGRESS && e != kernel.ECONNREFUSED {
		l.done(e)
	}
	return fd
}

// tcp returns the two ends of a connection.
func (l *lab) tcp() (a, b int) {
	l.Helper()
	ln, at := l.bound(kernel.SOCK_STREAM)
	l.done(l.k.Listen(ln, 1))
	a = l.connected(kernel.SOCK_STREAM, at)
	var e kernel.Errno = kernel.EAGAIN
	l.until("a connection", func() bool {
		b, _, e = l.k.Accept(ln)
		return e != kernel.EAGAIN
	})
	l.own(b, e)
	l.close(ln)
	return a, b
}

// dead returns a socket that has begun to connect to a port where nobody listens.
func (l *lab) dead(typ int) int {
	l.Helper()
	gone, at := l.bound(typ)
	l.close(gone)
	return l.connected(typ, at)
}

// dup keeps the file open under another number. A simulated kernel has no duplicates, so there dup
// does nothing.
func (l *lab) dup(fd int) {
	if l.isSimulated() {
		return
	}
	dup, err := unix.Dup(fd)
	l.must(err)
	l.own(dup, 0)
}

// pipe returns the two ends of a pipe.
func (l *lab) pipe() (r, w int) {
	l.Helper()
	if l.isSimulated() {
		r, w, e := l.h.Pipe()
		return l.own(r, e), l.own(w, e)
	}
	var ends [2]int
	l.must(unix.Pipe(ends[:]))
	return l.own(ends[0], 0), l.own(ends[1], 0)
}

func (l *lab) say(fd int) {
	l.Helper()
	_, e := l.k.Send(fd, []byte("x"), 0)
	l.done(e)
}

func (l *lab) now() timeout.Deadline               { return l.k.Now() }
func (l *lab) in(d time.Duration) timeout.Deadline { return l.now() + timeout.Deadline(d) }

// rest waits for a short time.
func (l *lab) rest() {
	if !l.isSimulated() {
		time.Sleep(10 * time.Microsecond)
		return
	}
	p, err := l.k.NewPoller()
	if err != nil { // Fatal must not be called inside of a program of the world
		panic(err)
	}
	defer p.Close()
	if _, err := p.Wait(make([]poller.Event, 1), l.in(10*time.Microsecond)); err != nil {
		panic(err)
	}
}

func (l *lab) until(what string, ok func() bool) {
	l.Helper()
	for end := l.in(guard); !ok(); l.rest() {
		if end.Passed(l.now()) {
			l.Fatalf("no %s", what)
		}
	}
}

// beside runs f at the same time: on a goroutine, or as a program of the simulated host. The
// function join waits until f returns.
func (l *lab) beside(f func()) (join func()) {
	if l.isSimulated() {
		l.h.Boot("beside", f)
		return func() { l.must(l.w.RunUntilDone(0)) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return func() { <-done }
}

// expectEvents calls Wait once, and fails the test unless it returns these Events in any order.
func (l *lab) expectEvents(p poller.Poller, want ...poller.Event) {
	l.Helper()
	events := make([]poller.Event, 64)
	n, err := p.Wait(events, l.in(guard))
	l.must(err)
	left := map[poller.Event]bool{}
	for _, e := range want {
		left[e] = true
	}
	for _, e := range events[:n] {
		if !left[e] {
			l.Errorf("got %+v, which is not expected", e)
		}
		delete(left, e)
	}
	for e := range left {
		l.Errorf("expected %+v, got %+v", e, events[:n])
	}
}

func (l *lab) expectNone(p poller.Poller) {
	l.Helper()
	var events [8]poller.Event
	for range 2 { // the first Wait may receive a wake-up of the Poller itself
		n, err := p.Wait(events[:], 0)
		l.must(err)
		if n != 0 {
			l.Fatalf("got %+v, expected none", events[:n])
		}
	}
}

func (l *lab) expectErrno(err error, want kernel.Errno) {
	l.Helper()
	if !errors.Is(err, want) {
		l.Errorf("got %v, want %v", err, want)
	}
	var call *os.SyscallError
	if !errors.As(err, &call) {
		l.Errorf("%v does not name the call", err)
	}
}

// waitUntil waits until the deadline, and fails the test if an Event comes before it.
func (l *lab) waitUntil(p poller.Poller, until timeout.Deadline) {
	l.Helper()
	var events [4]poller.Event
	n, err := p.Wait(events[:], until)
	now := l.now()
	l.must(err)
	if n != 0 || !until.Passed(now) {
		l.Fatalf("Wait returned %d Events, %v before its deadline", n, until.Left(now))
	}
}

func ev(fd int, gen uint32, ready poller.Readiness) poller.Event {
	return poller.Event{FD: int32(fd), Gen: gen, Ready: ready}
}
