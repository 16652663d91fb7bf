package sim_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// The mixed workload under 80 seeds, 1,000 with -long. A million: go test -run TestStorm -timeout 0
// ./sim -sim.seeds=1000000
func TestStorm(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	n := longtest.Count(8, 60, 1000)
	if race {
		n = min(n, 30)
	}
	simtest.CheckWith(t, n, stormOptions, runStorm)
}

// The mixed workload, TLS included, has one history for each seed. TLS gets its random keys from
// the machine, so the histories contain only the sizes of messages. The hashes are printed, so that
// .ci/run can compare them with those of other processors.
func TestStormIsOneHistory(t *testing.T) {
	for seed := range uint64(longtest.Count(3, 10, 10)) {
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
