package sim_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/sim"
)

// Host.Rand is a source for math/rand/v2. Worlds with the same seed give the same order, and worlds
// with different seeds give different orders.
func TestRandIsASource(t *testing.T) {
	order := func(seed uint64) []int {
		w := sim.New(seed, sim.Options{})
		defer w.Close()
		return rand.New(w.Host("10.0.0.1").Rand()).Perm(20)
	}
	a, b, c := order(1), order(1), order(2)
	differs := false
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("seed 1 gave %v and %v", a, b)
		}
		differs = differs || a[i] != c[i]
	}
	if !differs {
		t.Errorf("seeds 1 and 2 gave %v", a)
	}
}
