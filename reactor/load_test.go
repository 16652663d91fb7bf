//go:build unix

package reactor

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// simulated runs f in a lab on a simulated kernel. Its time passes only when the test lets it.
func simulated(t *testing.T, f func(t *lab)) {
	inLab(t, labKind{"simulated", &sim.Options{Files: 1 << 16}}, f)
}

// in returns how many durations the bucket of d has, and how many the Histogram has.
func in(h *Histogram, d time.Duration) (there, all uint64) {
	return h.Counts[bucketOf(d)], h.Count()
}

// On a simulated clock Busy, Idle and Utilization are exact. The test makes five loads. In each
// one, a timer keeps the loop busy for a part of every 100 ms.
func TestUtilizationIsExact(t *testing.T) {
	for _, percent := range []int{0, 10, 50, 90, 99} {
		simulated(t, func(t *lab) {
			r := t.reactor()
			work := time.Duration(percent) * time.Millisecond
			n := 0
			var tick *Timer
			tick = r.After(100*time.Millisecond, func() {
				tick.Reset(100 * time.Millisecond)
				t.spend(work)
				n++
			})
			from, before := t.now(), r.Load()
			t.until(func() bool { return n == 20 })
			tick.Stop()
			load := r.Load()
			load = load.Since(&before)
			all := time.Duration(t.now() - from)
			if load.Busy != 20*work || load.Busy+load.Idle != all {
				t.Errorf("%d %%: busy %v, idle %v, want %v of %v", percent, load.Busy, load.Idle, 20*work, all)
			}
			if got, want := load.Utilization(), float64(20*work)/float64(all); got != want {
				t.Errorf("%d %%: utilization %v, want %v", percent, got, want)
			}
		})
	}
}

// A callback keeps the loop busy for 5, 20 or 100 ms. One turn is counted in the bucket of that
// time. The callback belongs to a Conn, a timer, a post or a task.
func TestStallsLandInTheirBuckets(t *testing.T) {
	for _, stall := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		for what, cause := range map[string]func(t *lab, stalls func()){
			"Conn": func(t *lab, stalls func()) {
				t.dial(t.listen("tcp", always(&hooks{data: func(*Conn, []byte) { stalls() }}))).send("x")
			},
			"timer": func(t *lab, stalls func()) { t.r.After(time.Millisecond, stalls) },
			"post":  func(t *lab, stalls func()) { t.r.Post(stalls) },
			"task":  func(t *lab, stalls func()) { t.r.Go(func(*Task) { stalls() }) },
		} {
			simulated(t, func(t *lab) {
				r := t.reactor()
				r.Load() // from here on the loop measures
				stalled := false
				cause(t, func() {
					t.spend(stall)
					stalled = true
				})
				t.until(func() bool { return stalled })
				load := r.Load()
				if got, all := in(&load.Turns, stall); got != 1 || all != r.Stats().Turns {
					t.Errorf("%s, %v: %d turns in its bucket, %d in all of %d: %v", what, stall, got, all, r.Stats().Turns, load.Turns)
				}
				if load.Turns.Sum < stall || load.Turns.Sum != load.Busy {
					t.Errorf("%s: the sum of turns is %v, and busy %v, want %v or more", what, load.Turns.Sum, load.Busy, stall)
				}
			})
		}
	}
}

// A callback keeps the loop busy for 20 ms. A timer, a post and a woken Task wait meanwhile, and
// Lag, Posts and Wakes each count 20 ms.
func TestHistogramsHaveWhatWaited(t *testing.T) {
	const stall, late = 20 * time.Millisecond, 100 * time.Microsecond // a sleep ends a little late
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		ran := 0
		sleeper := r.Go(func(k *Task) {
			k.wait(0, timeout.Never)
			ran++
		})
		r.After(time.Millisecond, func() { // timers are the first of these three stages of the turn
			r.After(0, func() { ran++ })
			r.Post(func() { ran++ })
			sleeper.wake()
			t.spend(stall)
		})
		t.until(func() bool { return ran == 3 })
		load := r.Load()
		for what, h := range map[string]*Histogram{"Lag": &load.Lag, "Posts": &load.Posts, "Wakes": &load.Wakes} {
			if got, _ := in(h, stall); got != 1 || h.Sum < stall || h.Sum > stall+late {
				t.Errorf("%s: %d of %v in the bucket of %v, sum %v", what, got, h.Counts, stall, h.Sum)
			}
		}
	})
}

// While a callback hangs, Load counts the present turn up to now. So it does with a sleep.
func TestLoadCountsThePresentTurn(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		born := t.now()
		r.Load()
		t.pass(time.Second)
		var during Load
		done := false
		r.After(0, func() {
			t.spend(3 * time.Second)
			during = r.Load()
			done = true
		})
		t.until(func() bool { return done })
		if during.Present != 3*time.Second || during.Busy != 3*time.Second || during.Idle < time.Second {
			t.Errorf("in the turn: present %v, busy %v, idle %v", during.Present, during.Busy, during.Idle)
		}
		t.pass(2 * time.Second)
		after := r.Load()
		if after.Present != 0 || after.Busy != 3*time.Second || after.Busy+after.Idle != time.Duration(t.now()-born) {
			t.Errorf("asleep: present %v, busy %v, idle %v", after.Present, after.Busy, after.Idle)
		}
	})
}

// If a callback makes the first Load, Busy begins at that moment, in later Loads too.
func TestMeasuringBeginsInsideATurn(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		var first, during Load
		done := false
		r.After(0, func() {
			t.spend(time.Second)
			first = r.Load()
			t.spend(2 * time.Second)
			during = r.Load()
			done = true
		})
		t.until(func() bool { return done })
		t.pass(time.Second)
		after := r.Load()
		if first.Busy != 0 || first.Idle != 0 || during.Busy != 2*time.Second || during.Idle != 0 || after.Busy != 2*time.Second {
			t.Errorf("first busy %v, idle %v; then busy %v, idle %v; at the end busy %v", first.Busy, first.Idle,
				during.Busy, during.Idle, after.Busy)
		}
		if got, all := in(&after.Turns, 2*time.Second); got != 1 || all != 1 {
			t.Errorf("%d turns of 2 s in %d, want 1 in 1", got, all)
		}
	})
}

// On the host, Utilization is within 2 % of a measurement outside of the loop: a Poller that
// measures each Wait. The test makes five loads: the loop is busy for a part of every 20 ms.
func TestUtilizationAgreesWithAMeasurementFromOutside(t *testing.T) {
	if !longtest.Only(t, "works for 5 s") {
		return
	}
	for _, percent := range []int{1, 20, 50, 80, 99} {
		k := &timedKernel{Kernel: kernel.Host}
		r, err := New(WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		work := time.Duration(percent) * 20 * time.Millisecond / 100
		var tick *Timer
		tick = r.After(0, func() {
			for end := r.Now() + timeout.Deadline(work); r.Now() < end; {
			}
			tick.Reset(20*time.Millisecond - work)
		})
		r.After(time.Second, r.Close)
		before, asleep := r.Load(), k.asleep
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		load := r.Load().Since(&before)
		outside := 1 - float64(k.asleep-asleep)/float64(load.Busy+load.Idle)
		if got := load.Utilization(); math.Abs(got-outside) > 0.02 {
			t.Errorf("%d %%: utilization %.4f, from outside %.4f", percent, got, outside)
		} else {
			t.Logf("%d %%: utilization %.4f, from outside %.4f", percent, got, outside)
		}
	}
}

// A timedKernel has Pollers that measure the time of each Wait.
type timedKernel struct {
	Kernel
	asleep time.Duration
}

type timedPoller struct {
	poller.Poller
	k *timedKernel
}

func (k *timedKernel) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	return timedPoller{p, k}, err
}

func (p timedPoller) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	began := time.Now()
	defer func() { p.k.asleep += time.Since(began) }()
	return p.Poller.Wait(events, until)
}

// Slept calls the wrapped Poller, so that the loop measures as without the wrapper.
func (p timedPoller) Slept() bool {
	s, ok := p.Poller.(sleeper)
	return !ok || s.Slept()
}

// While the loop measures, an echo allocates nothing. Load allocates nothing either.
func TestMeasuredEchoDoesNotAllocate(t *testing.T) {
	r := manual(t)
	r.Load()
	a, b := pair(t)
	t.Cleanup(func() { unix.Close(b) })
	adoptFD(t, r, a, &hooks{data: func(c *Conn, p []byte) { c.Send(p) }})
	msg, got := make([]byte, 64), make([]byte, 64)
	noAllocs(t, "an echo", func() {
		for sent, n := 0, 0; n < len(msg); {
			sent += fill(b, msg[sent:])
			r.Turn(0)
			k, _ := kernel.Host.Recv(b, got, 0)
			n += k
		}
	})
	noAllocs(t, "Load", func() { r.Load() })
	noAllocs(t, "Stats", func() { r.Stats() })
}

// Other goroutines call Load and Stats while the loop runs, which the race detector checks. The
// counts never become smaller.
func TestReadersSeeCountsThatNeverFall(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(t.Context()) }()
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			var last Load
			var turns uint64
			for {
				select {
				case <-stop:
					return
				default:
				}
				runtime.Gosched()
				l, s := r.Load(), r.Stats()
				if l.Busy < last.Busy || l.Turns.Count() < last.Turns.Count() || s.Turns < turns || l.Busy+l.Idle < last.Busy+last.Idle {
					t.Errorf("after busy %v of %v, %d turns: %v of %v, %d turns", last.Busy, last.Busy+last.Idle, turns, l.Busy, l.Busy+l.Idle, s.Turns)
					return
				}
				last, turns = l, s.Turns
			}
		})
	}
	for range longtest.Count(20, 50, 2000) {
		ran := make(chan struct{})
		if err := r.Post(func() { close(ran) }); err != nil {
			t.Fatal(err)
		}
		<-ran
	}
	close(stop)
	readers.Wait()
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
}
