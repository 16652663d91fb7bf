//go:build linux

package kernel

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkSeam measures the cost of calls through the interface Kernel. It makes the cheapest
// call, a recv without data, with and without the interface, in alternating series of 100. "%extra"
// is what the interface adds, in percent: the median over all pairs of series.
func BenchmarkSeam(b *testing.B) {
	fd, e := Host.Socket(AF_INET, SOCK_DGRAM, 0)
	if e != 0 {
		b.Fatal(e)
	}
	defer Host.Close(fd)
	p := make([]byte, 1)
	direct := &host{}
	var through []time.Duration
	var extra []float64
	const turn = 100
	for b.Loop() {
		begin := time.Now()
		for range turn {
			Host.Recv(fd, p, 0)
		}
		middle := time.Now()
		for range turn {
			direct.Recv(fd, p, 0)
		}
		end := time.Now()
		through = append(through, middle.Sub(begin))
		extra = append(extra, 100*(float64(middle.Sub(begin))/float64(end.Sub(middle))-1))
	}
	slices.Sort(through)
	slices.Sort(extra)
	b.ReportMetric(float64(through[len(through)/2].Nanoseconds())/turn, "ns/call")
	b.ReportMetric(extra[len(extra)/2], "%extra")
}
