package sim_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/sim"
)

// split returns an independent source: later use of the original source does not change the numbers
// of the new one.
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
