package sim_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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
