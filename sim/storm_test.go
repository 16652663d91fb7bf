package sim_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// TestStorm runs the mixed workload under 40 seeds, or 1,000 with -long. A million seeds: go test
// -run TestStorm -timeout 0 ./sim -sim.seeds=1000000
func TestStorm(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	n := longtest.Count(8, 16, 1000)
	if race {
		n = min(n, 30)
	}
	simtest.CheckWith(t, n, stormOptions, runStorm)
}

// The mixed workload, with TLS, has the same history in each run of a seed. TLS draws its keys from
// the machine's random numbers, so a history contains only the sizes of messages. The test prints
// the hashes, and .ci/run compares them with those of other processors.
func TestStormIsOneHistory(t *testing.T) {
	for seed := range uint64(longtest.Count(1, 5, 10)) {
		var hashes [2]uint64
		for i := range hashes {
			w := sim.New(seed, stormOptions(seed))
			if err := runStorm(w); err != nil {
				t.Fatal(err)
			}
			hashes[i] = w.Hash()
			w.Close()
		}
		if hashes[0] != hashes[1] {
			t.Errorf("seed %d has two histories", seed)
		}
		t.Logf("seed %d is %#x", seed, hashes[0])
	}
}
