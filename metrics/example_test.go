//go:build unix

package metrics_test

import (
	"expvar"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/reactor"
)

// A server of your own serves the metrics. Prometheus reads either format.
func ExampleExporter() {
	g, err := reactor.NewGroup(1)
	if err != nil {
		log.Fatal(err)
	}
	e := metrics.New(g.Loops()...)
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", metrics.OpenMetricsType)
		if err := e.OpenMetrics(w); err != nil {
			log.Print(err)
		}
	})
	expvar.Publish("loops", e)

	var text strings.Builder
	if err := e.Text(&text); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "ureactor_connections_open") {
			fmt.Print(line)
		}
	}
	// Output: ureactor_connections_open{loop="0"} 0
}

// An Exporter is an expvar.Var. Package expvar serves it under /debug/vars.
func ExampleExporter_String() {
	g, err := reactor.NewGroup(2)
	if err != nil {
		log.Fatal(err)
	}
	expvar.Publish("ureactor", metrics.New(g.Loops()...))
	fmt.Println(strings.Contains(expvar.Get("ureactor").String(), `"connections.open":{"0":0,"1":0}`))
	// Output: true
}

// Gather is for other systems: each Family has its name, unit and samples.
func ExampleFamily() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range metrics.New(r).Gather() {
		if f.Kind == metrics.Histogram {
			fmt.Println(f.Name, f.Unit, f.PrometheusName())
		}
	}
	// Output:
	// ureactor.eventloop.delay s ureactor_eventloop_delay_seconds
	// ureactor.eventloop.post.delay s ureactor_eventloop_post_delay_seconds
	// ureactor.eventloop.task.delay s ureactor_eventloop_task_delay_seconds
	// ureactor.eventloop.turn.duration s ureactor_eventloop_turn_duration_seconds
}

// A Sample has a value, or a histogram, and its labels.
func ExampleSample() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range metrics.New(r).Gather() {
		if f.Name == "ureactor.network.io" {
			for _, s := range f.Samples {
				fmt.Println(s.Labels, s.Value)
			}
		}
	}
	// Output:
	// [{direction receive} {loop 0}] 0
	// [{direction transmit} {loop 0}] 0
}

// A Label is a pair. Those of a Sample are in the order of their names.
func ExampleLabel() {
	l := metrics.Label{Name: "loop", Value: "0"}
	fmt.Printf("%s=%q\n", l.Name, l.Value)
	// Output: loop="0"
}

// There are three kinds of metrics.
func ExampleKind() {
	fmt.Println(metrics.Counter, metrics.Gauge, metrics.Histogram)
	// Output: counter gauge histogram
}
