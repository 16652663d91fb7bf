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

// A program serves the metrics on its own HTTP server. Prometheus reads both text formats.
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

// An Exporter is an expvar.Var, so package expvar can serve it under /debug/vars.
func ExampleExporter_String() {
	g, err := reactor.NewGroup(2)
	if err != nil {
		log.Fatal(err)
	}
	expvar.Publish("ureactor", metrics.New(g.Loops()...))
	fmt.Println(strings.Contains(expvar.Get("ureactor").String(), `"connections.open":{"0":0,"1":0}`))
	// Output: true
}

// Gather returns the metrics as values, for other monitoring systems. Each Family has a name, a
// unit and samples.
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

// A Sample has labels, and a value or a histogram.
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

// A Label has a name and a value. The Labels of a Sample are sorted by name.
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
