//go:build unix

package otelmetrics_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ureactor/ureactor/metrics/otelmetrics"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// The reader of the OpenTelemetry SDK gets the loop's figures: a turn of 20 ms, and the time in
// each state.
func TestReaderGetsTheLoopsFigures(t *testing.T) {
	w := sim.New(1, sim.Options{})
	r, err := reactor.New(reactor.WithKernel(w.Host("10.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		r.Close()
		for r.Turn(0) == nil {
		}
		w.Close()
	}()
	reader := metric.NewManualReader(metric.WithProducer(otelmetrics.New(r)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	_ = r.Post(func() {
		if err := w.Run(20 * time.Millisecond); err != nil {
			t.Error(err)
		}
	})
	if err := r.Turn(timeout.Past); err != nil {
		t.Fatal(err)
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.ScopeMetrics) != 1 || all.ScopeMetrics[0].Scope.Name != otelmetrics.Scope {
		t.Fatalf("scopes: %+v", all.ScopeMetrics)
	}
	found := map[string]metricdata.Metrics{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		found[m.Name] = m
	}
	turns := found["ureactor.eventloop.turn.duration"].Data.(metricdata.Histogram[float64]).DataPoints[0]
	if turns.Count != 1 || turns.Sum != 0.02 || turns.BucketCounts[15] != 1 || turns.Bounds[15] != 0.032768 || len(turns.Bounds) != 25 {
		t.Errorf("turns are %+v", turns)
	}
	busy := found["ureactor.eventloop.time"].Data.(metricdata.Sum[float64])
	if state, _ := busy.DataPoints[0].Attributes.Value("state"); !busy.IsMonotonic || state != attribute.StringValue("active") ||
		busy.DataPoints[0].Value != 0.02 {
		t.Errorf("the time is %+v", busy)
	}
	if g, ok := found["ureactor.eventloop.utilization"].Data.(metricdata.Gauge[float64]); !ok || g.DataPoints[0].Value < 0.99 {
		t.Errorf("utilization is %+v", g)
	}
}

// Produce returns the error of a context that has ended.
func TestProduceReturnsTheContextsError(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Shutdown(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := otelmetrics.New(r).Produce(ctx); err != context.Canceled {
		t.Errorf("Produce: %v, want %v", err, context.Canceled)
	}
}

func ExampleProducer() {
	r, err := reactor.New()
	if err != nil {
		panic(err)
	}
	reader := metric.NewManualReader(metric.WithProducer(otelmetrics.New(r)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	var all metricdata.ResourceMetrics
	fmt.Println(reader.Collect(context.Background(), &all))
	// Output: <nil>
}
