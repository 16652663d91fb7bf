package promcollect

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/reactor"
)

// A Collector collects the metrics of one or more loops. Register it once:
//
//	prometheus.MustRegister(promcollect.New(g.Loops()...))
type Collector struct{ e *metrics.Exporter }

// New makes a Collector for a reactor, or for all loops of a Group. Like metrics.New, it panics if
// there is no loop, or if a loop is nil.
func New(loops ...*reactor.Reactor) *Collector { return &Collector{metrics.New(loops...)} }

// Describe sends a Desc for each metric. It implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.e.Gather() {
		to <- desc(&f)
	}
}

// Collect sends each metric. It implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, f := range c.e.Gather() {
		d := desc(&f)
		for i := range f.Samples {
			to <- metric(d, &f, &f.Samples[i])
		}
	}
}

func metric(d *prometheus.Desc, f *metrics.Family, s *metrics.Sample) prometheus.Metric {
	values := make([]string, len(s.Labels))
	for i, l := range s.Labels {
		values[i] = l.Value
	}
	switch f.Kind {
	case metrics.Histogram:
		return histogram(d, s.Histogram, values)
	case metrics.Counter:
		return prometheus.MustNewConstMetric(d, prometheus.CounterValue, s.Value, values...)
	}
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, s.Value, values...)
}

// histogram converts the counts for Prometheus. There each bucket includes all lower ones.
func histogram(d *prometheus.Desc, h *reactor.Histogram, values []string) prometheus.Metric {
	buckets := make(map[float64]uint64, reactor.HistogramBuckets)
	var n uint64
	for i, c := range h.Counts {
		if n += c; i < reactor.HistogramBuckets-1 {
			buckets[metrics.Bound(i)] = n
		}
	}
	return prometheus.MustNewConstHistogram(d, n, h.Sum.Seconds(), buckets, values...)
}

func desc(f *metrics.Family) *prometheus.Desc {
	var names []string
	for _, l := range f.Samples[0].Labels {
		names = append(names, l.Name)
	}
	return prometheus.NewDesc(f.PrometheusName(), f.Help, names, nil)
}
