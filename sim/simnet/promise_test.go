package simnet_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
)

// Runs with the same seed have the same faults at the same virtual times, in whatever order the
// scheduler runs the goroutines. This holds for random faults and for those of the test. Only
// faults at the same time may change their order. There are no errors of calls, because such an
// error may hit either of the two goroutines of net/http that read a connection. Only one of them
// then closes the connection.
func TestOneSeedHasTheSameFaultsAtTheSameTimes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	noErrors := storm
	noErrors.Error = 0
	for seed := range uint64(longtest.Count(1, 10, 200)) {
		var first []string
		for run := range 4 {
			runtime.GOMAXPROCS(1 + run)
			w := sim.New(seed+1, sim.Options{Latency: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Faults: noErrors})
			if err := simnet.Run(t, w, troubled); err != nil {
				t.Fatalf("seed %d: %v", seed+1, err)
			}
			var got []string
			for _, f := range w.Faults() {
				got = append(got, fmt.Sprintf("%v %v", f.At, f))
			}
			slices.Sort(got)
			if run == 0 {
				first = got
			}
			if len(got) == 0 || !slices.Equal(first, got) {
				t.Errorf("seed %d: run %d had other faults than the first:\n%q\n%q", seed+1, run, first, got)
			}
		}
	}
}

// A run with some of the faults left out does not change the other faults. Exactly those faults
// happen that Options.Faulty lists, at their times. Therefore Shrink works in a bubble.
func TestFaultsAreNamedByTheirTime(t *testing.T) {
	opt := sim.Options{Latency: 5 * time.Millisecond, Faults: sim.Faults{Loss: 20 * sim.Percent}}
	talk := func(w *sim.World) []sim.Fault {
		if err := simnet.Run(t, w, func(n *simnet.Net) error {
			a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
			to, err := b.ListenPacket("udp", ":9")
			if err != nil {
				return err
			}
			c, err := a.Dial("udp", "10.0.0.2:9")
			for range 50 {
				if err == nil {
					_, err = c.Write([]byte("x"))
				}
				time.Sleep(time.Millisecond)
			}
			_ = to.Close()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return w.Faults()
	}
	all := talk(sim.New(3, opt))
	if len(all) < 5 {
		t.Fatalf("%d faults", len(all))
	}
	opt.Faulty = []sim.Fault{all[1], all[4]}
	if some := talk(sim.New(3, opt)); len(some) != 2 || some[0].String() != all[1].String() || some[1].String() != all[4].String() {
		t.Errorf("%v of %v", some, all)
	}
}
