package sim_test

import (
	"testing"

	"github.com/ureactor/ureactor/sim/simtest"
)

// The mixed workload under 1,000 seeds. A million: go test -run TestStorm -sim.seeds=1000000 -timeout 0 ./sim
func TestStorm(t *testing.T) {
	n := 1000
	if testing.Short() || race {
		n = 30
	}
	simtest.CheckWith(t, n, stormOptions, runStorm)
}
