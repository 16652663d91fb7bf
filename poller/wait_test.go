//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// The test makes 5,000 waits of up to 200 µs each. None of them ends before its deadline.
func TestWaitIsNeverEarly(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	both(t, func(l *lab) {
		p := l.open()
		random := rand.New(rand.NewPCG(1, 2))
		for range longtest.Count(0, 2000, 20_000) {
			l.waitUntil(p, l.now()+timeout.Deadline(random.IntN(200_000)))
		}
	})
}

// If the deadline is 0, negative or past, Wait does not sleep, but still reports ready descriptors.
func TestPastDeadlineStillTellsWhatIsReady(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, _ := l.pair()
		past := []timeout.Deadline{0, -1, -1 << 63, 1, l.now()}
		for _, until := range past {
			l.waitUntil(p, until)
		}
		l.must(p.Add(a, 1, Out))
		for _, until := range past {
			var events [1]poller.Event
			if n, err := p.Wait(events[:], until); n != 1 || err != nil || events[0] != ev(a, 1, Out) {
				l.Errorf("until %d: %d, %v", until, n, err)
			}
		}
	})
}

// Wait accepts a deadline that is centuries away, and the deadline does not overflow into the past.
func TestFarDeadlineWaits(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, b := l.pair()
		l.must(p.Add(a, 1, In|Edge))
		for _, until := range []timeout.Deadline{timeout.Never, timeout.Never - 1, l.in(40 * 24 * time.Hour)} {
			join := l.beside(func() {
				var events [1]poller.Event
				if n, err := p.Wait(events[:], until); n != 1 || err != nil {
					l.Errorf("until %d: %d, %v", until, n, err)
				}
			})
			l.rest()
			l.say(b)
			join()
		}
	})
}

// A stream of signals does not end a Wait, with a deadline or without.
func TestSignalDoesNotEndAWait(t *testing.T) {
	l := newLab(t)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	p := l.open()
	a, b := l.pair()
	l.must(p.Add(a, 1, In))

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	hit := hitter()
	stop := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				hit()
				time.Sleep(50 * time.Microsecond)
			}
		}
	})
	for range 20 {
		l.waitUntil(p, l.in(3*time.Millisecond))
	}
	storm.Go(func() {
		for range 20 {
			<-signals // some signals have come since the wait began
		}
		l.say(b)
	})
	l.expectEvents(p, ev(a, 1, In))
	close(stop)
	storm.Wait()
}

// One Wake ends one Wait: the present one, or else the next. It does not end a second one.
func TestWakeEndsOneWait(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		for _, wakes := range []int{1, 1000} {
			for range wakes {
				l.must(p.Wake())
			}
			var events [4]poller.Event
			if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
				l.Fatalf("Wait = %d, %v", n, err)
			}
			l.waitUntil(p, l.in(2*time.Millisecond))
			l.must(p.Wake())
			l.waitUntil(p, 0) // a Wait that does not sleep uses up the Wake too
			l.waitUntil(p, l.in(2*time.Millisecond))
		}
	})
}

// If an Event and a Wake come together, neither is lost. Wait returns the Event with the Wake or
// later.
func TestWakeDoesNotHideEvents(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		a, _ := l.pair()
		l.must(p.Add(a, 1, Out|Edge))
		l.must(p.Wake())
		var events [1]poller.Event // room for one of the two only
		seen := 0
		for range 2 {
			n, err := p.Wait(events[:], l.in(guard))
			l.must(err)
			seen += n
		}
		if seen != 1 {
			l.Fatalf("%d Events", seen)
		}
		l.waitUntil(p, l.in(2*time.Millisecond))
	})
}

// Four goroutines queue work and wake the owner. The owner sleeps without a deadline when it finds
// no work. So the test hangs if a Wake is lost.
func TestNoWakeIsLost(t *testing.T) {
	both(t, func(l *lab) {
		const each, wakers = 5000, 4
		p := l.open()
		var work atomic.Int64
		var joins []func()
		for range wakers {
			joins = append(joins, l.beside(func() {
				for i := range each {
					work.Add(1)
					if err := p.Wake(); err != nil {
						l.Error(err)
					}
					if l.isSimulated() && i%7 == 0 { // lets the world continue
						l.rest()
					}
				}
			}))
		}
		var events [1]poller.Event
		for work.Load() < each*wakers {
			_, err := p.Wait(events[:], timeout.Never)
			l.must(err)
		}
		for _, join := range joins {
			join()
		}
	})
}

// Wait panics if its slice is empty, because such a Wait could never report an Event. The Poller
// can still be used afterwards.
func TestWaitWithoutRoomPanics(t *testing.T) {
	both(t, func(l *lab) {
		p := l.open()
		for _, events := range [][]poller.Event{nil, {}} {
			func() {
				defer func() {
					if r := fmt.Sprint(recover()); !strings.HasSuffix(r, ": Wait with an empty slice; give it room for one Event or more") {
						l.Errorf("recovered %s", r)
					}
				}()
				p.Wait(events, 0)
			}()
		}
		l.waitUntil(p, 0)
	})
}

// Two goroutines wait repeatedly for short times, until both are in Wait at the same time. Then one
// of them panics.
func TestTwoGoroutinesInWaitPanic(t *testing.T) {
	l := newLab(t)
	p := l.open()
	var met atomic.Bool
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					if r != "poller: two goroutines in Wait; one of them must own the Poller" {
						l.Errorf("recovered %v", r)
					}
					met.Store(true)
				}
			}()
			var events [1]poller.Event
			for !met.Load() {
				if _, err := p.Wait(events[:], l.in(time.Millisecond)); err != nil {
					l.Error(err)
				}
			}
		})
	}
	both.Wait()
	l.waitUntil(p, 0) // the Poller can still be used
}

// Wait allocates nothing: with and without an Event, a sleep, a deadline or a Wake.
func TestWaitAllocatesNothing(t *testing.T) {
	l := newLab(t)
	p := l.open()
	a, b := l.pair()
	l.must(p.Add(a, 1, In))
	events := make([]poller.Event, 64)
	var buf [1]byte
	if n := testing.AllocsPerRun(1000, func() {
		p.Wait(events, l.now()+1000)
		p.Wake()
		p.Wait(events, timeout.Never)
		unix.Write(b, buf[:])
		p.Wait(events, 0)
		p.Wait(events, timeout.Never)
		unix.Read(a, buf[:])
	}); n != 0 {
		l.Fatalf("%v allocations", n)
	}
}

func BenchmarkWaitReady(b *testing.B) {
	l := newLab(b)
	p := l.open()
	fd, _ := l.pair()
	l.must(p.Add(fd, 1, Out))
	events := make([]poller.Event, 64)
	b.ReportAllocs()
	for b.Loop() {
		p.Wait(events, timeout.Never)
	}
}

func BenchmarkWakeWait(b *testing.B) {
	l := newLab(b)
	p := l.open()
	events := make([]poller.Event, 64)
	b.ReportAllocs()
	for b.Loop() {
		p.Wake()
		p.Wait(events, timeout.Never)
	}
}
