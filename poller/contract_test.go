//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

const (
	In, Out, Err, Hup, Edge = poller.In, poller.Out, poller.Err, poller.Hup, poller.Edge

	// A test that waits this long has failed already; no right run does.
	guard = time.Minute
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) poller.Poller {
	t.Helper()
	p, err := poller.New()
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is two connected non-blocking stream sockets; the test may close them itself.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	for _, fd := range ends {
		must(t, unix.SetNonblock(fd, true))
	}
	files := []int{ends[0], ends[1]}
	t.Cleanup(func() { closeAll(files) })
	return ends[0], ends[1]
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

func say(t testing.TB, fd int) {
	t.Helper()
	_, err := unix.Write(fd, []byte("x"))
	must(t, err)
}

func in(d time.Duration) timeout.Deadline { return poller.Now() + timeout.Deadline(d) }

// expectEvents waits once, and the Events must be these, in any order.
func expectEvents(t testing.TB, p poller.Poller, want ...poller.Event) {
	t.Helper()
	events := make([]poller.Event, 64)
	n, err := p.Wait(events, in(guard))
	must(t, err)
	left := map[poller.Event]bool{}
	for _, e := range want {
		left[e] = true
	}
	for _, e := range events[:n] {
		if !left[e] {
			t.Errorf("got %+v, which is not expected", e)
		}
		delete(left, e)
	}
	for e := range left {
		t.Errorf("expected %+v, got %+v", e, events[:n])
	}
}

func expectNone(t testing.TB, p poller.Poller) {
	t.Helper()
	var events [8]poller.Event
	for range 2 { // the first may take the Poller's own
		n, err := p.Wait(events[:], 0)
		must(t, err)
		if n != 0 {
			t.Fatalf("got %+v, expected none", events[:n])
		}
	}
}

func expectErrno(t testing.TB, err error, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	var call *os.SyscallError
	if !errors.As(err, &call) {
		t.Errorf("%v does not name the call", err)
	}
}

// Data and room to write are there before Add, level- and edge-triggered.
func TestWhatIsReadyAtRegistrationIsReported(t *testing.T) {
	for _, edge := range []poller.Interest{0, Edge} {
		p := open(t)
		a, b := pair(t)
		say(t, b)
		must(t, p.Add(a, 7, In|Out|edge))
		must(t, p.Add(b, 9, Out|edge))
		expectEvents(t, p, ev(a, 7, In|Out), ev(b, 9, Out))
	}
}

func ev(fd int, gen uint32, ready poller.Interest) poller.Event {
	return poller.Event{FD: int32(fd), Gen: gen, Ready: ready}
}

// Nothing is read in between: a level is told at every Wait, an edge once, and again after news.
func TestEdgeTellsChangesAndLevelStates(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	c, d := pair(t)
	must(t, p.Add(a, 1, In))
	must(t, p.Add(c, 1, In|Edge))
	expectNone(t, p)
	say(t, b)
	say(t, d)
	expectEvents(t, p, ev(a, 1, In), ev(c, 1, In))
	expectEvents(t, p, ev(a, 1, In))
	say(t, d)
	expectEvents(t, p, ev(a, 1, In), ev(c, 1, In))
}

// Generations of all sizes come back whole.
func TestGenerationComesBack(t *testing.T) {
	p := open(t)
	a, _ := pair(t)
	for _, gen := range []uint32{1, 1 << 31, 1<<32 - 1} {
		must(t, p.Add(a, gen, Out))
		expectEvents(t, p, ev(a, gen, Out))
		must(t, p.Del(a))
	}
}

// An edge that was told already is told anew after Mod, under the new generation.
func TestModReportsAnew(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	say(t, b)
	must(t, p.Add(a, 1, In|Edge))
	expectEvents(t, p, ev(a, 1, In))
	expectNone(t, p)
	must(t, p.Mod(a, 1, In|Edge))
	expectEvents(t, p, ev(a, 1, In))
	must(t, p.Mod(a, 3, In|Out|Edge))
	expectEvents(t, p, ev(a, 3, In|Out))
	expectNone(t, p)
	must(t, p.Mod(a, 3, Out)) // and what is not wanted any more is not told
	expectEvents(t, p, ev(a, 3, Out))
}

// A duplicate keeps the file open past the close; Del has ended the registration before.
func TestDelThenCloseIsSilentWithADuplicateHeld(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	dup, err := unix.Dup(a)
	must(t, err)
	defer unix.Close(dup)
	say(t, b)
	must(t, p.Add(a, 1, In))
	expectEvents(t, p, ev(a, 1, In))
	must(t, p.Del(a))
	must(t, unix.Close(a))
	say(t, b)
	expectNone(t, p)
	again, err := unix.Dup(dup) // the stranger under the same number, if the number was the lowest
	must(t, err)
	defer unix.Close(again)
	must(t, p.Add(again, 2, In))
	expectEvents(t, p, ev(again, 2, In))
}

func TestEachMisuseHasItsErrno(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	expectErrno(t, p.Mod(a, 1, In), unix.ENOENT)
	expectErrno(t, p.Del(a), unix.ENOENT)
	must(t, p.Add(a, 1, In))
	expectErrno(t, p.Add(a, 2, Out), unix.EEXIST)
	say(t, b)
	expectEvents(t, p, ev(a, 1, In)) // and the first registration stands
	must(t, p.Del(a))
	expectErrno(t, p.Del(a), unix.ENOENT)
	expectErrno(t, p.Mod(a, 1, In), unix.ENOENT)
	must(t, p.Add(a, 3, In))

	for _, path := range []string{os.Args[0], t.TempDir()} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		must(t, err)
		expectErrno(t, p.Add(fd, 1, In), unix.EPERM)
		unix.Close(fd)
		expectErrno(t, p.Add(fd, 1, In), unix.EBADF)
	}
	expectErrno(t, p.Add(-1, 1, In), unix.EBADF)
}

// The kernel forgets what was closed without Del, if there is no duplicate: its number can be added again.
func TestNumberOfAClosedDescriptorIsFree(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	must(t, p.Add(a, 1, In))
	must(t, unix.Close(a))
	again, err := unix.Dup(b)
	must(t, err)
	defer unix.Close(again)
	if again != a {
		t.Skip("the number went to somebody else")
	}
	must(t, p.Add(again, 2, Out))
	expectEvents(t, p, ev(again, 2, Out|Hup))
}

// The peer goes away; who asked for reading hears of it, and who asked for writing too.
func TestEndOfThePeerIsReportedUnasked(t *testing.T) {
	for _, want := range []poller.Interest{In, Out | Edge} {
		p := open(t)
		a, b := pair(t)
		must(t, p.Add(a, 1, want))
		if want&Out != 0 {
			expectEvents(t, p, ev(a, 1, Out))
		}
		must(t, unix.Close(b))
		var events [4]poller.Event
		n, err := p.Wait(events[:], in(guard))
		must(t, err)
		if n != 1 || events[0].Ready&(want&^Edge) == 0 {
			t.Errorf("%v: got %+v", want, events[:n])
		}
	}
}

// Five edges and room for two: none may be lost.
func TestEventsThatDoNotFitStayForTheNextWait(t *testing.T) {
	p := open(t)
	want := map[poller.Event]bool{}
	var late []int
	for i := range uint32(5) {
		a, b := pair(t)
		must(t, p.Add(a, 1+2*i, In|Edge))
		want[ev(a, 1+2*i, In)] = true
		late = append(late, b)
	}
	expectNone(t, p) // with more room than the Waits below
	for _, b := range late {
		say(t, b)
	}
	var events [2]poller.Event
	for len(want) > 0 {
		n, err := p.Wait(events[:], in(guard))
		must(t, err)
		if n == 0 {
			t.Fatalf("%v were lost", want)
		}
		for _, e := range events[:n] {
			if !want[e] {
				t.Fatalf("%+v came twice", e)
			}
			delete(want, e)
		}
	}
	expectNone(t, p)
}

// The caller may bring more room, and less, than at the Wait before; sleeping (first) and looking.
func TestRoomMayDifferFromWaitToWait(t *testing.T) {
	p := open(t)
	for i := range uint32(8) {
		a, _ := pair(t)
		must(t, p.Add(a, 1+2*i, Out))
	}
	for _, room := range []int{1, 8, 2, 64, 1} {
		for _, until := range []timeout.Deadline{timeout.Never, 0, timeout.Never} {
			n, err := p.Wait(make([]poller.Event, room), until)
			if err != nil || n != min(room, 8) {
				t.Fatalf("room for %d: %d Events, %v", room, n, err)
			}
		}
	}
}

// The inner Poller's descriptor is readable exactly while an Event or a Wake waits in it.
func TestPollerCanBeWatchedByAPoller(t *testing.T) {
	outer, inner := open(t), open(t)
	a, b := pair(t)
	must(t, inner.Add(a, 1, In|Edge))
	must(t, outer.Add(inner.FD(), 5, In))
	expectNone(t, outer)
	say(t, b)
	expectEvents(t, outer, ev(inner.FD(), 5, In))
	expectEvents(t, inner, ev(a, 1, In))
	expectNone(t, outer)
	must(t, inner.Wake())
	expectEvents(t, outer, ev(inner.FD(), 5, In))
	expectNone(t, inner)
	expectNone(t, outer)
}

// Another goroutine adds, changes and deletes while the owner waits for ever, and the owner hears of it.
func TestRegistrationReachesAWaitInProgress(t *testing.T) {
	p := open(t)
	got := make(chan poller.Event)
	go func() {
		defer close(got)
		var events [1]poller.Event
		for {
			n, err := p.Wait(events[:], in(guard))
			if err != nil || n == 0 {
				return
			}
			got <- events[0]
		}
	}()
	a, _ := pair(t)
	for gen := uint32(1); gen < 200; gen += 2 {
		must(t, p.Add(a, gen, Out|Edge))
		if e := <-got; e != ev(a, gen, Out) {
			t.Errorf("got %+v for generation %d", e, gen)
		}
		must(t, p.Mod(a, gen, Out|Edge))
		if e := <-got; e != ev(a, gen, Out) {
			t.Errorf("got %+v after Mod", e)
		}
		must(t, p.Del(a))
	}
	must(t, p.Wake())
	for range got {
	}
}

func TestDescriptorsCloseOnExecAndWithThePoller(t *testing.T) {
	p, err := poller.New()
	must(t, err)
	flags, err := unix.FcntlInt(uintptr(p.FD()), unix.F_GETFD, 0)
	must(t, err)
	if flags&unix.FD_CLOEXEC == 0 {
		t.Error("a child would inherit the poller")
	}
	must(t, p.Close())
	if _, err := unix.FcntlInt(uintptr(p.FD()), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the descriptor is still there: %v", err)
	}
	expectErrno(t, p.Close(), unix.EBADF)
}
