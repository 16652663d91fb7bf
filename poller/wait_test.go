//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// waitUntil waits for a deadline with nothing to happen before.
func waitUntil(t testing.TB, p poller.Poller, until timeout.Deadline) {
	t.Helper()
	var events [4]poller.Event
	n, err := p.Wait(events[:], until)
	now := poller.Now()
	must(t, err)
	if n != 0 || !until.Passed(now) {
		t.Fatalf("Wait returned %d Events, %v before its deadline", n, until.Left(now))
	}
}

// 5,000 waits of up to 200 µs.
func TestWaitIsNeverEarly(t *testing.T) {
	p := open(t)
	for range 5000 {
		waitUntil(t, p, poller.Now()+timeout.Deadline(rand.IntN(200_000)))
	}
}

// Deadlines that are 0, negative or past only look; what is ready is told by them too.
func TestPastDeadlineStillTellsWhatIsReady(t *testing.T) {
	p := open(t)
	a, _ := pair(t)
	past := []timeout.Deadline{0, -1, -1 << 63, 1, poller.Now()}
	for _, until := range past {
		waitUntil(t, p, until)
	}
	must(t, p.Add(a, 1, Out))
	for _, until := range past {
		var events [1]poller.Event
		if n, err := p.Wait(events[:], until); n != 1 || err != nil || events[0] != ev(a, 1, Out) {
			t.Errorf("until %d: %d, %v", until, n, err)
		}
	}
}

// A deadline centuries away is not refused and does not overflow into the past.
func TestFarDeadlineWaits(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	must(t, p.Add(a, 1, In|Edge))
	for _, until := range []timeout.Deadline{timeout.Never, timeout.Never - 1, in(40 * 24 * time.Hour)} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			var events [1]poller.Event
			if n, err := p.Wait(events[:], until); n != 1 || err != nil {
				t.Errorf("until %d: %d, %v", until, n, err)
			}
		}()
		say(t, b)
		<-done
	}
}

// The waiting thread is hit by signals without pause while it waits for deadlines and then for ever.
func TestSignalDoesNotEndAWait(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	p := open(t)
	a, b := pair(t)
	must(t, p.Add(a, 1, In))

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
		waitUntil(t, p, in(3*time.Millisecond))
	}
	storm.Go(func() {
		for range 20 {
			<-signals // so some have come since the wait began
		}
		say(t, b)
	})
	expectEvents(t, p, ev(a, 1, In))
	close(stop)
	storm.Wait()
}

// A Wake ends one Wait: the present one or the next, and not the one after.
func TestWakeEndsOneWait(t *testing.T) {
	p := open(t)
	for _, wakes := range []int{1, 1000} {
		for range wakes {
			must(t, p.Wake())
		}
		var events [4]poller.Event
		if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
			t.Fatalf("Wait = %d, %v", n, err)
		}
		waitUntil(t, p, in(2*time.Millisecond))
	}
}

// An Event that is there too comes with the Wake or after it, never instead of it.
func TestWakeDoesNotHideEvents(t *testing.T) {
	p := open(t)
	a, _ := pair(t)
	must(t, p.Add(a, 1, Out|Edge))
	must(t, p.Wake())
	var events [1]poller.Event // no room for both
	seen := 0
	for range 2 {
		n, err := p.Wait(events[:], in(guard))
		must(t, err)
		seen += n
	}
	if seen != 1 {
		t.Fatalf("%d Events", seen)
	}
	waitUntil(t, p, in(2*time.Millisecond))
}

// Four goroutines leave work and wake; the owner sleeps for ever in between. A lost Wake hangs the test.
func TestNoWakeIsLost(t *testing.T) {
	const each, wakers = 5000, 4
	p := open(t)
	var work atomic.Int64
	var all sync.WaitGroup
	for range wakers {
		all.Go(func() {
			for range each {
				work.Add(1)
				if err := p.Wake(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var events [1]poller.Event
	for work.Load() < each*wakers {
		if _, err := p.Wait(events[:], timeout.Never); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
}

// Both wait in short turns until they meet.
func TestTwoGoroutinesInWaitPanic(t *testing.T) {
	p := open(t)
	var met atomic.Bool
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					if r != "poller: two goroutines in Wait; one of them must own the Poller" {
						t.Errorf("recovered %v", r)
					}
					met.Store(true)
				}
			}()
			var events [1]poller.Event
			for !met.Load() {
				if _, err := p.Wait(events[:], in(time.Millisecond)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	waitUntil(t, p, 0) // and the Poller is whole
}

// An Event with and without sleeping, a deadline, a Wake.
func TestWaitAllocatesNothing(t *testing.T) {
	p := open(t)
	a, b := pair(t)
	must(t, p.Add(a, 1, In))
	events := make([]poller.Event, 64)
	var buf [1]byte
	if n := testing.AllocsPerRun(1000, func() {
		p.Wait(events, poller.Now()+1000)
		p.Wake()
		p.Wait(events, timeout.Never)
		unix.Write(b, buf[:])
		p.Wait(events, 0)
		p.Wait(events, timeout.Never)
		unix.Read(a, buf[:])
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkWaitReady(b *testing.B) {
	p := open(b)
	fd, _ := pair(b)
	must(b, p.Add(fd, 1, Out))
	events := make([]poller.Event, 64)
	b.ReportAllocs()
	for b.Loop() {
		p.Wait(events, timeout.Never)
	}
}

func BenchmarkWakeWait(b *testing.B) {
	p := open(b)
	events := make([]poller.Event, 64)
	b.ReportAllocs()
	for b.Loop() {
		p.Wake()
		p.Wait(events, timeout.Never)
	}
}
