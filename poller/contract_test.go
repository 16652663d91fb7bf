//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A descriptor that is ready before Add is reported by the next Wait, with Edge and without.
func TestWhatIsReadyAtRegistrationIsReported(t *testing.T) {
	both(t, func(l *lab) {
		for _, edge := range []poller.Interest{0, Edge} {
			p := l.open()
			a, b := l.pair()
			l.say(b)
			l.must(p.Add(a, 7, In|Out|edge))
			l.must(p.Add(b, 9, Out|edge))
			l.expectEvents(p, ev(a, 7, In|Out), ev(b, 9, Out))
		}
	})
}

// Nobody reads in this test. A level-triggered registration is then reported by every Wait. An
// edge-triggered one is reported once, and once more when new data arrives.
func TestEdgeTellsChangesAndLevelStates(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, b := l.pair()
		c, d := l.pair()
		l.must(p.Add(a, 1, In))
		l.must(p.Add(c, 1, In|Edge))
		l.expectNone(p)
		l.say(b)
		l.say(d)
		l.expectEvents(p, ev(a, 1, In), ev(c, 1, In))
		l.expectEvents(p, ev(a, 1, In))
		l.say(d)
		l.expectEvents(p, ev(a, 1, In), ev(c, 1, In))
	})
}

// An Event has the generation that was passed to Add or Mod, however large that number is.
func TestGenerationComesBack(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, _ := l.pair()
		for _, gen := range []uint32{1, 1 << 31, 1<<32 - 1} {
			l.must(p.Add(a, gen, Out))
			l.expectEvents(p, ev(a, gen, Out))
			l.must(p.Del(a))
		}
	})
}

// After Mod, readiness that was reported before as an edge is reported again, with the new
// generation.
func TestModReportsAnew(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, b := l.pair()
		l.say(b)
		l.must(p.Add(a, 1, In|Edge))
		l.expectEvents(p, ev(a, 1, In))
		l.expectNone(p)
		l.must(p.Mod(a, 1, In|Edge))
		l.expectEvents(p, ev(a, 1, In))
		l.must(p.Mod(a, 3, In|Out|Edge))
		l.expectEvents(p, ev(a, 3, In|Out))
		l.expectNone(p)
		l.must(p.Mod(a, 3, Out)) // In is no longer requested, so it is not reported
		l.expectEvents(p, ev(a, 3, Out))
	})
}

// After Del and close no Event comes, even if a duplicate of the descriptor keeps the file open.
func TestDelThenCloseIsSilentWithADuplicateHeld(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, b := l.pair()
		l.dup(a)
		l.say(b)
		l.must(p.Add(a, 1, In))
		l.expectEvents(p, ev(a, 1, In))
		l.must(p.Del(a))
		l.close(a)
		l.k.Send(b, []byte("x"), 0) // the data reaches the duplicate
		l.expectNone(p)
		c, d := l.pair() // c gets a's number, if that is the lowest free one
		l.must(p.Add(c, 2, In))
		l.expectNone(p)
		l.say(d)
		l.expectEvents(p, ev(c, 2, In))
	})
}

func TestEachMisuseHasItsErrno(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, b := l.pair()
		l.expectErrno(p.Mod(a, 1, In), kernel.ENOENT)
		l.expectErrno(p.Del(a), kernel.ENOENT)
		l.must(p.Add(a, 1, In))
		l.expectErrno(p.Add(a, 2, Out), kernel.EEXIST)
		l.say(b)
		l.expectEvents(p, ev(a, 1, In)) // the refused Add has not changed the first registration
		l.must(p.Del(a))
		l.expectErrno(p.Del(a), kernel.ENOENT)
		l.expectErrno(p.Mod(a, 1, In), kernel.ENOENT)
		l.must(p.Add(a, 3, In))

		l.expectErrno(p.Add(-1, 1, In), kernel.EBADF)
		if l.isSimulated() { // a simulated kernel has no files
			return
		}
		for _, path := range []string{os.Args[0], l.TempDir()} {
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			l.must(err)
			l.expectErrno(p.Add(fd, 1, In), kernel.EPERM)
			unix.Close(fd)
			l.expectErrno(p.Add(fd, 1, In), kernel.EBADF)
		}
	})
}

// A descriptor that is closed without Del, and has no duplicate, is unregistered by the kernel. Its
// number can be added again.
func TestNumberOfAClosedDescriptorIsFree(t *testing.T) {
	l := newLab(t)
	p := l.open()
	a, b := l.pair()
	l.must(p.Add(a, 1, In))
	l.close(a)
	again, err := unix.Dup(b)
	l.must(err)
	l.own(again, 0)
	if again != a {
		l.Skip("the number went to somebody else")
	}
	l.must(p.Add(again, 2, Out))
	want := Out | Hup
	if l.kqueue { // a kqueue's filter reports one direction only; see kqueueReady
		want = Out
	}
	l.expectEvents(p, ev(again, 2, want))
}

// If the peer closes, the Poller reports In to a registration for In, and Out to one for Out.
func TestEndOfThePeerIsReportedUnasked(t *testing.T) {
	both(t, func(l *lab) {
		for _, want := range []poller.Interest{In, Out | Edge} {
			p := l.open()
			a, b := l.pair()
			l.must(p.Add(a, 1, want))
			if want&Out != 0 {
				l.expectEvents(p, ev(a, 1, Out))
			}
			l.close(b)
			var events [4]poller.Event
			n, err := p.Wait(events[:], l.in(guard))
			l.must(err)
			if n != 1 || events[0].Ready&poller.Readiness(want&^Edge) == 0 {
				l.Errorf("%v: got %+v", want, events[:n])
			}
		}
	})
}

// Events that do not fit in the slice of one Wait are returned by the next one. Here five edges are
// ready, and a Wait has room for two.
func TestEventsThatDoNotFitStayForTheNextWait(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		want := map[poller.Event]bool{}
		var late []int
		for i := range uint32(5) {
			a, b := l.pair()
			l.must(p.Add(a, 1+2*i, In|Edge))
			want[ev(a, 1+2*i, In)] = true
			late = append(late, b)
		}
		l.expectNone(p) // this Wait has a larger slice than the later ones
		for _, b := range late {
			l.say(b)
		}
		var events [2]poller.Event
		for len(want) > 0 {
			n, err := p.Wait(events[:], l.in(guard))
			l.must(err)
			if n == 0 {
				l.Fatalf("%v were lost", want)
			}
			for _, e := range events[:n] {
				if !want[e] {
					l.Fatalf("%+v came twice", e)
				}
				delete(want, e)
			}
		}
		l.expectNone(p)
	})
}

// The slices of two Waits may differ in length, in either order. This holds for Waits that sleep
// and for Waits that do not.
func TestRoomMayDifferFromWaitToWait(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		for i := range uint32(8) {
			a, _ := l.pair()
			l.must(p.Add(a, 1+2*i, Out))
		}
		for _, room := range []int{1, 8, 2, 64, 1} {
			for _, until := range []timeout.Deadline{timeout.Never, 0, timeout.Never} {
				n, err := p.Wait(make([]poller.Event, room), until)
				if err != nil || n != min(room, 8) {
					l.Fatalf("room for %d: %d Events, %v", room, n, err)
				}
			}
		}
	})
}

// The descriptor of the inner Poller is readable as long as an Event or a Wake waits in that
// Poller.
func TestPollerCanBeWatchedByAPoller(t *testing.T) {
	both(t, func(l *lab) {
		outer, inner := l.open(), l.open()
		a, b := l.pair()
		l.must(inner.Add(a, 1, In|Edge))
		l.must(outer.Add(inner.FD(), 5, In))
		l.expectNone(outer)
		l.say(b)
		l.expectEvents(outer, ev(inner.FD(), 5, In))
		l.expectEvents(inner, ev(a, 1, In))
		l.expectNone(outer)
		l.must(inner.Wake())
		l.expectEvents(outer, ev(inner.FD(), 5, In))
		l.expectNone(inner)
		l.expectNone(outer)
	})
}

// On Linux, Pollers nest at most five deep, and a ring of Pollers is refused.
func TestPollersNestFiveDeepAndInNoRing(t *testing.T) {
	both(t, func(l *lab) {
		if l.kqueue {
			l.Log("not on this kernel: the limits are epoll's")
			return
		}
		for _, inward := range []bool{false, true} {
			var nest [6]poller.Poller
			for i := range nest {
				nest[i] = l.open()
			}
			l.expectErrno(nest[0].Add(nest[0].FD(), 1, In), kernel.EINVAL)
			for i := range 4 {
				if inward {
					i = 3 - i
				}
				l.must(nest[i+1].Add(nest[i].FD(), 1, In))
				l.expectErrno(nest[i].Add(nest[i+1].FD(), 1, In), kernel.ELOOP)
			}
			l.expectErrno(nest[0].Add(nest[4].FD(), 1, In), kernel.ELOOP)
			l.expectErrno(nest[5].Add(nest[4].FD(), 1, In), kernel.ELOOP)
			a, b := l.pair()
			l.must(nest[0].Add(a, 7, In))
			l.say(b)
			for i := 4; i > 0; i-- {
				l.expectEvents(nest[i], ev(nest[i-1].FD(), 1, In))
			}
			l.expectEvents(nest[0], ev(a, 7, In))
		}
	})
}

// A second goroutine adds, changes and deletes registrations while the owner is in a Wait without a
// deadline. That Wait reports the Events of these registrations.
func TestRegistrationReachesAWaitInProgress(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		var got atomic.Pointer[poller.Event]
		join := l.beside(func() {
			for {
				var events [1]poller.Event
				n, err := p.Wait(events[:], timeout.Never)
				if err != nil || n == 0 {
					return
				}
				got.Store(&events[0])
			}
		})
		next := func() (e poller.Event) {
			l.until("Event", func() bool { return got.Load() != nil })
			return *got.Swap(nil)
		}
		a, _ := l.pair()
		for gen := uint32(1); gen < 200; gen += 2 {
			l.must(p.Add(a, gen, Out|Edge))
			if e := next(); e != ev(a, gen, Out) {
				l.Errorf("got %+v for generation %d", e, gen)
			}
			l.must(p.Mod(a, gen, Out|Edge))
			if e := next(); e != ev(a, gen, Out) {
				l.Errorf("got %+v after Mod", e)
			}
			l.must(p.Del(a))
		}
		l.must(p.Wake())
		join()
	})
}

// After Close the Poller's descriptor is closed, and a second Close returns an error.
func TestClosedTwiceIsAnError(t *testing.T) {
	both(t, func(l *lab) {
		p, err := l.k.NewPoller()
		l.must(err)
		l.must(p.Close())
		l.expectErrno(p.Close(), kernel.EBADF)
	})
}

func TestDescriptorsCloseOnExecAndWithThePoller(t *testing.T) {
	l := newLab(t)
	p, err := poller.New()
	l.must(err)
	flags, err := unix.FcntlInt(uintptr(p.FD()), unix.F_GETFD, 0)
	l.must(err)
	if flags&unix.FD_CLOEXEC == 0 {
		l.Error("a child would inherit the poller")
	}
	l.must(p.Close())
	if _, err := unix.FcntlInt(uintptr(p.FD()), unix.F_GETFD, 0); err != kernel.EBADF {
		l.Errorf("the descriptor is still there: %v", err)
	}
}
