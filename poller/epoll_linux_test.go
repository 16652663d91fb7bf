package poller

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/seccomp"
	"github.com/ureactor/ureactor/timeout"
)

func newEpoll(t *testing.T) *epoll {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p.(*epoll)
}

// written reads the counter of the eventfd. Wait does not change that counter.
func written(t *testing.T, p *epoll) byte {
	t.Helper()
	var count [8]byte
	if _, err := unix.Read(p.wakefd, count[:]); err != nil {
		t.Fatal(err)
	}
	return count[0] + count[7]
}

// If Wake is called many times before one Wait, it writes once. The eventfd's counter shows that.
func TestManyWakesCostOneWrite(t *testing.T) {
	p := newEpoll(t)
	for range 2 {
		for range 1000 {
			p.Wake()
		}
		var events [1]Event
		p.Wait(events[:], timeout.Never)
		if n := written(t, p); n != 1 {
			t.Fatalf("%d writes", n)
		}
	}
}

// Without epoll_pwait2, which came with Linux 5.11, the timeout of a wait is in milliseconds. The
// wait is still never early.
func TestMillisecondWaitIsNeverEarly(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	p := newEpoll(t)
	p.noPwait = true
	var events [1]Event
	for i := range 100 {
		until := clock.Now() + timeout.Deadline(i*37_000)
		if n, err := p.Wait(events[:], until); n != 0 || err != nil || !until.Passed(clock.Now()) {
			t.Fatalf("%d, %v, %v too early", n, err, until.Left(clock.Now()))
		}
	}
	go p.Wake()
	if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}

// If a Wait returned several Events, the next Wait polls before it sleeps. If that poll found
// nothing, or if a Wait slept and returned one Event, the Wait after it sleeps at once.
func TestALoadedPollerPollsBeforeItSleeps(t *testing.T) {
	p := newEpoll(t)
	one, _ := ready(t, p)
	soon := func() timeout.Deadline { return clock.Now() + 1000 }
	step := func(what string, until timeout.Deadline, found int, slept, busy bool) {
		t.Helper()
		var events [3]Event
		n, err := p.Wait(events[:], until)
		if n != found || err != nil || p.Slept() != slept || p.busy != busy {
			t.Errorf("%s: %d, %v, slept %v, busy %v", what, n, err, p.Slept(), p.busy)
		}
	}
	step("one Event", timeout.Never, 1, true, false)
	step("one again", timeout.Never, 1, true, false)
	two, _ := ready(t, p)
	step("two", timeout.Never, 2, true, true)
	step("two again", timeout.Never, 2, false, true)
	unregister(t, p, two)
	step("one is left", timeout.Never, 1, false, true)
	unregister(t, p, one)
	step("nothing", soon(), 0, true, false)
	step("a look", timeout.Past, 0, false, false)
	ready(t, p)
	step("a look at one", timeout.Past, 1, false, true)
	p.busy = false
	step("past", 1, 1, true, false)
}

// A Wait whose deadline has passed does not sleep, not even for the shortest time that epoll can
// wait.
func TestALookDoesNotSleep(t *testing.T) {
	p := newEpoll(t)
	var events [1]Event
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sleeps := func() int64 {
		var usage unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
			t.Fatal(err)
		}
		return int64(usage.Nvcsw)
	}
	const looks = 200
	before := sleeps()
	for range looks {
		if n, err := p.Wait(events[:], timeout.Past); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := sleeps() - before; n > looks/2 {
		t.Errorf("%d sleeps in %d looks", n, looks)
	}
}

// ready registers the writing end of a pipe, which is always ready.
func ready(t *testing.T, p *epoll) (fd, other int) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	if err := p.Add(ends[1], 1, Out); err != nil {
		t.Fatal(err)
	}
	return ends[1], ends[0]
}

func unregister(t *testing.T, p *epoll, fd int) {
	t.Helper()
	if err := p.Del(fd); err != nil {
		t.Fatal(err)
	}
}

// If the descriptor of a Poller was closed, Wait returns an error and no Events. This holds with
// and without a deadline, and without epoll_pwait2.
func TestFailedWaitHasNoEvents(t *testing.T) {
	p := newEpoll(t)
	ready(t, p)
	var events [1]Event
	if _, err := p.Wait(events[:], timeout.Never); err != nil {
		t.Fatal(err)
	}
	fd := p.fd
	p.fd = -1
	defer func() { p.fd = fd }()
	for _, until := range []timeout.Deadline{timeout.Never, timeout.Past, clock.Now() + 1000} {
		n, err := p.Wait(events[:], until)
		var named *os.SyscallError
		if n != 0 || !errors.Is(err, unix.EBADF) || !errors.As(err, &named) || named.Syscall != "epoll_pwait" || p.noPwait {
			t.Errorf("until %d: %d, %v; epoll_pwait2 is given up: %v", until, n, err, p.noPwait)
		}
	}
}

// If a sandbox refuses epoll_pwait2, the first Wait with a deadline remembers the refusal. It calls
// epoll_pwait instead, with the right arguments.
func TestARefusedEpollPwait2IsRemembered(t *testing.T) {
	if !longtest.Default(t, "starts a process") {
		return
	}
	seccomp.Denied(t, unix.SYS_EPOLL_PWAIT2, unix.EPERM, func(t *testing.T) {
		p := newEpoll(t)
		one, _ := ready(t, p)
		ready(t, p)
		var events [1]Event
		if n, err := p.Wait(events[:], clock.Now()+timeout.Deadline(time.Minute)); n != 1 || err != nil || !p.noPwait {
			t.Errorf("%d, %v; epoll_pwait2 is given up: %v", n, err, p.noPwait)
		}
		unregister(t, p, one)
		p.busy = false
		if n, err := p.Wait(events[:], clock.Now()+timeout.Deadline(time.Minute)); n != 1 || err != nil || !p.noPwait {
			t.Errorf("%d, %v; epoll_pwait2 is given up: %v", n, err, p.noPwait)
		}
	})
}

// Signals during a Wait with a deadline do not make the Poller give up epoll_pwait2. If it gave the
// call up, later Waits would be late by up to a millisecond.
func TestASignalDoesNotGiveUpEpollPwait2(t *testing.T) {
	p := newEpoll(t)
	until := clock.Now() + timeout.Deadline(time.Hour)
	p.raw = make([]unix.EpollEvent, 1)
	var now kernelTimespec
	_, _, e := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), 1, uintptr(unsafe.Pointer(&now)), 0, 0)
	if e != 0 {
		t.Logf("there is no epoll_pwait2: %v", e)
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, tid := os.Getpid(), unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Tgkill(pid, tid, unix.SIGURG) // the runtime ignores a SIGURG that it has not sent
				time.Sleep(10 * time.Microsecond)
			}
		}
	}()
	_, e = p.sleep(1, until)
	close(stop)
	<-stopped
	if e != unix.EINTR || p.noPwait {
		t.Errorf("%v; epoll_pwait2 is given up: %v", e, p.noPwait)
	}
}

// With Spin, a Wait polls until it finds an Event or a wake-up, or until its deadline. If none of
// these comes in the time of Spin, the Wait sleeps.
func TestSpinPollsBeforeItSleeps(t *testing.T) {
	p := newEpoll(t)
	p.Spin(time.Hour)
	fd, _ := ready(t, p)
	var events [1]Event
	if n, err := p.Wait(events[:], timeout.Never); n != 1 || err != nil || !p.busy || !p.Slept() {
		t.Errorf("Event: %d, %v, found by polling %v, slept %v", n, err, p.busy, p.Slept())
	}
	unregister(t, p, fd)
	for range 2 { // the first one also checks that no Event is left
		go p.Wake()
		if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
			t.Errorf("woken: %d, %v", n, err)
		}
	}
	for _, spin := range []time.Duration{time.Hour, time.Microsecond} {
		p.Spin(spin)
		until := clock.Now() + 2_000_000
		if n, err := p.Wait(events[:], until); n != 0 || err != nil || !until.Passed(clock.Now()) {
			t.Errorf("spin %v, deadline: %d, %v, %v too early", spin, n, err, until.Left(clock.Now()))
		}
	}
}
