package sim_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

// A live Kernel in a bubble and a Host get the same random calls, and return the same results.
func TestALiveKernelMakesTheCallsOfItsHost(t *testing.T) {
	for seed := range uint64(longtest.Count(3, 6, 90)) {
		opt := sim.Options{Kernel: []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3]}
		calls := func(w *sim.World, k kernel.Kernel) []string {
			w.Name("db", "10.0.0.2", "fd00::2")
			s := newScripter(k, w.Rand())
			s.quiet = true
			for range 300 {
				s.step()
				s.pause() // packets on the way arrive
			}
			return strings.Split(s.log.String(), "\n")
		}
		w := sim.New(seed, opt)
		want := calls(w, w.Host("10.0.0.1", "10.0.9.1", "fd00::1"))
		w.Close()
		synctest.Test(t, func(t *testing.T) {
			w := sim.New(seed, opt)
			h := w.Host("10.0.0.1", "10.0.9.1", "fd00::1")
			live := w.Live()
			got := calls(w, live.Kernel(h))
			if err := live.Close(); err != nil {
				t.Error(err)
			}
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Fatalf("seed %d, the host:\n%s\nlive:\n%s", seed, strings.Join(want[max(0, i-5):i+1], "\n"),
						strings.Join(got[min(i, len(got)-1):min(i+1, len(got))], "\n"))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: the live Kernel has more results", seed)
			}
		})
	}
}

// In a live world the time of a call, its kind and its descriptor identify a fault. Of several such
// calls at one time, only the first gets a fault. But EAGAIN holds until the time advances.
// Options.Faulty repeats single faults.
func TestFaultsOfALiveWorldAreNamedByTheirTime(t *testing.T) {
	run := func(only []sim.Fault) (results []kernel.Errno, faults []sim.Fault) {
		synctest.Test(t, func(t *testing.T) {
			w := sim.New(1, sim.Options{Faulty: only, Faults: sim.Faults{Again: sim.Always}})
			live := w.Live()
			k := live.Kernel(w.Host("10.0.0.1"))
			fd, _ := k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			k.Bind(fd, kernel.Inet(addr("10.0.0.1:9")))
			k.Connect(fd, kernel.Inet(addr("10.0.0.1:9")))
			for range 3 {
				for range 3 {
					_, e := k.Send(fd, []byte("x"), 0)
					results = append(results, e)
				}
				time.Sleep(time.Second)
			}
			faults = w.Faults()
			live.Close()
		})
		return results, faults
	}
	const no = kernel.EAGAIN
	all, faults := run(nil)
	if want := []kernel.Errno{no, no, no, no, no, no, no, no, no}; !slices.Equal(all, want) || len(faults) != 3 {
		t.Fatalf("got %v, faults %v", all, faults)
	}
	if got, _ := run(faults[1:2]); !slices.Equal(got, []kernel.Errno{0, 0, 0, no, no, no, 0, 0, 0}) {
		t.Errorf("with %v alone: %v", faults[1], got)
	}
	if faults[1].At-faults[0].At != time.Second || faults[0].Of == 0 {
		t.Errorf("the faults are %+v", faults)
	}
}

// Events of a live world happen in time, although no program calls the kernel. Do runs a function,
// and the clock of a Kernel is that of the bubble.
func TestALiveWorldRunsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(1, sim.Options{})
		live := w.Live()
		h := w.Host("10.0.0.1")
		k := live.Kernel(h)
		var happened []time.Time
		began, clock := time.Now(), k.Now()
		live.Do(func(w *sim.World) {
			for i := range 2 {
				w.At(time.Duration(i+1)*time.Second, func() { happened = append(happened, time.Now()) })
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait() // orders the appends before what follows, for the race detector
		want := []time.Time{began.Add(time.Second), began.Add(2 * time.Second)}
		if !slices.EqualFunc(happened, want, time.Time.Equal) {
			t.Errorf("events at %v, want %v", happened, want)
		}
		if d := time.Duration(k.Now() - clock); d != time.Minute {
			t.Errorf("the Kernel's clock moved by %v", d)
		}
		live.Close()
	})
}
