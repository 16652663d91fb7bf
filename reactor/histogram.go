package reactor

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
)

// HistogramBuckets is the number of buckets of a Histogram.
const HistogramBuckets = 26

// A Histogram counts durations in buckets with fixed bounds. Bucket 0 counts durations of up to 1
// µs. Each further bucket has twice the bound. The last bucket has no bound: it counts durations
// above 16.8 s.
type Histogram struct {
	Counts [HistogramBuckets]uint64
	Sum    time.Duration // the sum of all durations
}

// HistogramBound returns the longest duration that bucket i counts. i must be at least 0 and less
// than HistogramBuckets. For the last bucket the result is the largest Duration.
func HistogramBound(i int) time.Duration {
	switch {
	case i < 0 || i >= HistogramBuckets:
		panic(fmt.Sprintf("reactor: HistogramBound(%d): must be 0 … %d", i, HistogramBuckets-1))
	case i == HistogramBuckets-1:
		return 1<<63 - 1
	}
	return time.Microsecond << i
}

// bucketOf returns the index of the bucket that counts d. A negative d counts as 0.
func bucketOf(d time.Duration) int {
	return min(bits.Len64(uint64(max(d, 1)-1)/1000), HistogramBuckets-1)
}

// Count returns how many durations were counted.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile returns an upper bound of the quantile q: the bound of the bucket that contains the
// quantile. q must be from 0 to 1. If nothing was counted, Quantile returns 0.
func (h Histogram) Quantile(q float64) time.Duration {
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("reactor: Histogram.Quantile(%v): must be 0 … 1", q))
	}
	n := h.Count()
	if n == 0 {
		return 0
	}
	left := max(q*float64(n), 1)
	for i, c := range h.Counts {
		if left -= float64(c); left <= 0 {
			return HistogramBound(i)
		}
	}
	return HistogramBound(HistogramBuckets - 1)
}

// add adds the counts of g.
func (h *Histogram) add(g *Histogram) {
	for i, c := range g.Counts {
		h.Counts[i] += c
	}
	h.Sum += g.Sum
}

// sub subtracts the counts of g, which is an earlier state of h.
func (h *Histogram) sub(g *Histogram) {
	for i, c := range g.Counts {
		h.Counts[i] -= c
	}
	h.Sum -= g.Sum
}

// A recorder is a Histogram to which one goroutine adds while other goroutines read.
type recorder struct {
	counts [HistogramBuckets]atomic.Uint64
	sum    atomic.Int64
}

// note counts d. Only the loop calls it, so the addition need not be atomic.
func (h *recorder) note(d time.Duration) {
	h.count(d)
	h.sum.Store(h.sum.Load() + int64(max(d, 0)))
}

// count is like note, for a recorder whose sum is stored elsewhere.
func (h *recorder) count(d time.Duration) {
	c := &h.counts[bucketOf(d)]
	c.Store(c.Load() + 1)
}

func (h *recorder) read() (g Histogram) {
	for i := range h.counts {
		g.Counts[i] = h.counts[i].Load()
	}
	g.Sum = time.Duration(h.sum.Load())
	return g
}
