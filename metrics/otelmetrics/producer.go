package otelmetrics

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/reactor"
)

// Scope is the name of the instrumentation scope.
const Scope = "github.com/ureactor/ureactor/metrics"

// A Producer produces the metrics of one or more loops. Pass it to a Reader of the SDK:
//
//	metric.NewPeriodicReader(exporter, metric.WithProducer(otelmetrics.New(g.Loops()...)))
//
// It is a Producer and not a set of instruments, because no instrument of OpenTelemetry can report
// a histogram that was counted elsewhere.
type Producer struct {
	e     *metrics.Exporter
	start time.Time
}

var _ metric.Producer = (*Producer)(nil)

// New makes a Producer for a reactor, or for all loops of a Group. Like metrics.New, it panics if
// there is no loop, or if a loop is nil.
func New(loops ...*reactor.Reactor) *Producer {
	return &Producer{metrics.New(loops...), time.Now()}
}

// Produce returns all metrics. Counts and histograms are cumulative.
func (p *Producer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	scope := metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: Scope}}
	now := time.Now()
	for _, f := range p.e.Gather() {
		scope.Metrics = append(scope.Metrics, metricdata.Metrics{Name: f.Name, Description: f.Help, Unit: f.Unit,
			Data: p.data(&f, now)})
	}
	return []metricdata.ScopeMetrics{scope}, nil
}

func (p *Producer) data(f *metrics.Family, now time.Time) metricdata.Aggregation {
	if f.Kind == metrics.Histogram {
		h := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
		for i := range f.Samples {
			h.DataPoints = append(h.DataPoints, p.histogram(&f.Samples[i], now))
		}
		return h
	}
	var points []metricdata.DataPoint[float64]
	for i := range f.Samples {
		s := &f.Samples[i]
		points = append(points, metricdata.DataPoint[float64]{Attributes: attributes(s), StartTime: p.start, Time: now, Value: s.Value})
	}
	if f.Kind == metrics.Counter {
		return metricdata.Sum[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}

func (p *Producer) histogram(s *metrics.Sample, now time.Time) metricdata.HistogramDataPoint[float64] {
	d := metricdata.HistogramDataPoint[float64]{Attributes: attributes(s), StartTime: p.start, Time: now,
		Count: s.Histogram.Count(), Sum: s.Histogram.Sum.Seconds(), BucketCounts: s.Histogram.Counts[:]}
	for i := range reactor.HistogramBuckets - 1 {
		d.Bounds = append(d.Bounds, metrics.Bound(i))
	}
	return d
}

func attributes(s *metrics.Sample) attribute.Set {
	var all []attribute.KeyValue
	for _, l := range s.Labels {
		all = append(all, attribute.String(l.Name, l.Value))
	}
	return attribute.NewSet(all...)
}
