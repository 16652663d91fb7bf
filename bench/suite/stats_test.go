package suite

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/bench/server"
)

// The cost of the reference server rises from slice to slice, as on a machine that others use. A
// server whose cost always equals that of the reference must get the ratio 1, at any position
// between two slices of the reference.
func TestRatiosFollowDrift(t *testing.T) {
	var in []Reading
	for seq := range 20 {
		name := "c"
		if seq%4 != 0 {
			name = "ours"
		}
		in = append(in, Reading{Server: name, Seq: seq, Messages: 1000, CPU: time.Duration(100_000 + 1000*seq)})
	}
	got := ratios(in[:17], "c", "ours", Reading.cost)
	if len(got) != 12 {
		t.Fatalf("%d ratios, want 12", len(got))
	}
	for _, x := range got {
		if math.Abs(x-1) > 1e-9 {
			t.Errorf("ratio %v, want 1", x)
		}
	}
	if last := ratios(in, "c", "ours", Reading.cost)[12]; math.Abs(last-116./117) > 1e-9 {
		t.Errorf("after the last reference slice: %v, want it compared with that one", last)
	}
}

// The ranks equal those in published tables of the sign test.
func TestIntervalRanks(t *testing.T) {
	for n, want := range map[int][2]float64{1: {1, 1}, 5: {1, 5}, 6: {1, 6}, 9: {2, 8}, 12: {3, 10}, 40: {14, 27}} {
		var x []float64
		for i := range n {
			x = append(x, float64(n-i))
		}
		if low, high := Interval(x); low != want[0] || high != want[1] {
			t.Errorf("%d readings: %v–%v, want %v", n, low, high, want)
		}
	}
}

// The median of an even number of values is the mean of the two in the middle.
func TestMedian(t *testing.T) {
	if m := Median([]float64{5, 1, 3}); m != 3 {
		t.Error(m)
	}
	if m := Median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Error(m)
	}
}

// A server without an echo takes part only in the scenarios of its own protocols. Otherwise the
// check of the echo would exclude it from all scenarios.
func TestServersWithoutEchoHaveTheirProtocolsOnly(t *testing.T) {
	parts := 0
	for _, v := range server.All {
		for _, s := range scenarios {
			if v.NoEcho && s.fits(v) {
				if parts++; s.plain() || !slices.Contains(v.Protocols, s.Protocol) {
					t.Errorf("%s takes part in %s", v.Name, s.Name)
				}
			}
		}
	}
	if parts == 0 {
		t.Error("no scenario has one")
	}
}
