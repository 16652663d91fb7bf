package timeout_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

const maxInt = math.MaxInt64

// The edge cases of settimeout's argument (D2 and D3 of doc/semantics.md).
func TestSecondsConvertsEveryEdge(t *testing.T) {
	const bad = timeout.Timeout(-1)
	table := []struct {
		s    float64
		want timeout.Timeout
	}{
		{0, 0},
		{math.Copysign(0, -1), 0},
		{math.SmallestNonzeroFloat64, 1}, // the smallest positive value does not become zero
		{1e-10, 1},
		{1e-9, 1},
		{1.5e-9, 2},
		{0.1, 100_000_000},
		{0.25, 250_000_000},
		{1, 1_000_000_000},
		{9.2e9, 9_200_000_000_000_000_000},
		{9.3e9, timeout.None}, // more than the clock can count
		{math.MaxInt64 / 1e9, timeout.None},
		{math.MaxFloat64, timeout.None},
		{math.Inf(1), timeout.None},
		{math.NaN(), bad},
		{-math.SmallestNonzeroFloat64, bad},
		{-1, bad},
		{math.Inf(-1), bad},
	}
	for _, row := range table {
		got, err := timeout.Seconds(row.s)
		switch {
		case row.want == bad && (err == nil || got != 0):
			t.Errorf("Seconds(%v) = %v, want 0 and an error", row.s, got)
		case row.want != bad && (err != nil || got != row.want):
			t.Errorf("Seconds(%v) = %d, %v, want %d", row.s, got, err, row.want)
		}
	}
}

// positive returns a float of random size, from 0 to the largest one. Half of the floats are times
// that may be represented.
func positive(rng *rand.Rand) float64 {
	if rng.IntN(2) == 0 {
		return rng.Float64() * math.Pow10(rng.IntN(20)-9)
	}
	const infinity = 0x7FF << 52
	return math.Float64frombits(rng.Uint64N(infinity))
}

// anyInt returns an integer of random size and sign. Half of the integers are so large that a
// difference may overflow.
func anyInt(rng *rand.Rand) int64 { return int64(rng.Uint64()) >> (rng.IntN(2) * rng.IntN(64)) }

// For random floats of every size, Seconds returns no less than its argument, and never 0 for a
// positive one. A larger argument never has a smaller result.
func TestSecondsIsNeverShorterThanAsked(t *testing.T) {
	for seed := range longtest.Seeds(t, 200, 1000, 200_000) {
		rng := rand.New(rand.NewPCG(seed, 31))
		a, b := positive(rng), positive(rng)
		ta, err := timeout.Seconds(a)
		if err != nil {
			t.Fatal(err)
		}
		tb, _ := timeout.Seconds(b)
		if a > 0 && !ta.Blocks() {
			t.Fatalf("Seconds(%v) does not block", a)
		}
		if a < b && ta > tb {
			t.Fatalf("Seconds(%v) = %d is after Seconds(%v) = %d", a, ta, b, tb)
		}
		if ta != timeout.None && float64(ta) < a*1e9 {
			t.Fatalf("Seconds(%v) = %d ns is early", a, ta)
		}
	}
}

func TestOfTakesWhatIsNotNegative(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Hour} {
		if got, err := timeout.Of(d); err != nil || got != timeout.Timeout(d) {
			t.Errorf("Of(%v) = %v, %v", d, got, err)
		}
	}
	if got, err := timeout.Of(maxInt); err != nil || got != timeout.None {
		t.Errorf("Of(the largest) = %v, %v, want none", got, err)
	}
	for _, d := range []time.Duration{-1, math.MinInt64} {
		if got, err := timeout.Of(d); err == nil || got != 0 {
			t.Errorf("Of(%v) = %v, want 0 and an error", d, got)
		}
	}
}

func TestOnlyZeroDoesNotBlock(t *testing.T) {
	for d, want := range map[timeout.Timeout]bool{0: false, 1: true, timeout.None: true} {
		if d.Blocks() != want {
			t.Errorf("%v.Blocks() = %v", d, !want)
		}
	}
}

// After works with a clock at any value, also below zero. A sum that is too large becomes Never.
func TestAfterSaturatesAtNever(t *testing.T) {
	table := []struct {
		t    timeout.Timeout
		now  timeout.Deadline
		want timeout.Deadline
	}{
		{0, 7, 7},
		{5, 7, 12},
		{5, 0, 5},
		{5, -7, -2},
		{timeout.None, 7, timeout.Never},
		{timeout.None, -7, timeout.Never},
		{timeout.None - 1, -7, maxInt - 8},
		{timeout.None - 8, 7, maxInt - 1},
		{timeout.None - 7, 7, timeout.Never},
		{timeout.None - 1, maxInt - 1, timeout.Never},
	}
	for _, row := range table {
		if got := row.t.After(row.now); got != row.want {
			t.Errorf("Timeout(%d).After(%d) = %d, want %d", row.t, row.now, got, row.want)
		}
	}
}

func TestPassedAndLeftAgree(t *testing.T) {
	table := []struct {
		d, now timeout.Deadline
		passed bool
		left   time.Duration
	}{
		{0, 1, true, 0},
		{5, 5, true, 0},
		{5, 4, false, 1},
		{5, -4, false, 9},
		{-5, -4, true, 0},
		{timeout.Never, 4, false, maxInt},
		{timeout.Never, timeout.Never, false, maxInt},
		{timeout.Never - 1, -4, false, maxInt - 1}, // the difference saturates
		{timeout.Never - 1, -1, false, maxInt - 1}, // only Never has the largest Duration
		{timeout.Never - 1, 0, false, maxInt - 1},
	}
	for _, row := range table {
		if got := row.d.Passed(row.now); got != row.passed {
			t.Errorf("Deadline(%d).Passed(%d) = %v", row.d, row.now, got)
		}
		if got := row.d.Left(row.now); got != row.left {
			t.Errorf("Deadline(%d).Left(%d) = %d, want %d", row.d, row.now, got, row.left)
		}
	}
}

// A deadline has passed exactly if nothing of it is left, for random integers of every size.
func TestNothingIsLeftExactlyWhenPassed(t *testing.T) {
	for seed := range longtest.Seeds(t, 200, 1000, 200_000) {
		rng := rand.New(rand.NewPCG(seed, 32))
		d, now := timeout.Deadline(anyInt(rng)), timeout.Deadline(anyInt(rng))
		if left := d.Left(now); left < 0 || d.Passed(now) != (left == 0) {
			t.Fatalf("Passed(%d, %d) is %v but %d left", d, now, d.Passed(now), left)
		}
	}
}

func TestSoonerNeverPicksNever(t *testing.T) {
	for _, d := range []timeout.Deadline{0, 1, timeout.Never - 1} {
		if d.Sooner(timeout.Never) != d || timeout.Never.Sooner(d) != d {
			t.Errorf("Never is sooner than %d", d)
		}
	}
}

func TestTimeoutPrintsAsADuration(t *testing.T) {
	for d, want := range map[timeout.Timeout]string{0: "0s", 1500 * 1000 * 1000: "1.5s", timeout.None: "none"} {
		if got := fmt.Sprint(d); got != want {
			t.Errorf("%d prints %q, want %q", int64(d), got, want)
		}
	}
}
