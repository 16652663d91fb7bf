//go:build unix

package promcollect_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/metrics/promcollect"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// loops returns two loops on one simulated clock, which stands still. The first loop has made a
// turn of 20 ms.
func loops(t *testing.T) []*reactor.Reactor {
	t.Helper()
	w := sim.New(1, sim.Options{})
	h := w.Host("10.0.0.1")
	var all []*reactor.Reactor
	for range 2 {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			t.Fatal(err)
		}
		r.Load()
		all = append(all, r)
	}
	t.Cleanup(func() {
		for _, r := range all {
			r.Close()
			for r.Turn(0) == nil {
			}
		}
		w.Close()
	})
	_ = all[0].Post(func() {
		if err := w.Run(20 * time.Millisecond); err != nil {
			t.Error(err)
		}
	})
	if err := all[0].Turn(timeout.Past); err != nil {
		t.Fatal(err)
	}
	return all
}

// From a Collector, the official Prometheus library writes the same lines as package metrics, in
// both formats, except for the UNIT lines.
func TestLibraryWritesTheSame(t *testing.T) {
	all := loops(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(promcollect.New(all...))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text, open bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(&open, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(&open); err != nil {
		t.Fatal(err)
	}
	e := metrics.New(all...)
	compare(t, "text", text.String(), func(b *bytes.Buffer) error { return e.Text(b) })
	compare(t, "OpenMetrics", open.String(), func(b *bytes.Buffer) error { return e.OpenMetrics(b) })
}

var (
	units = regexp.MustCompile(`(?m)^# UNIT .*\n`)
	// Utilization differs, because the two collections are made at different times.
	share = regexp.MustCompile(`(?m)^ureactor_eventloop_utilization_ratio.*\n`)
)

func compare(t *testing.T, name, want string, write func(*bytes.Buffer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	strip := func(s string) []string {
		s = share.ReplaceAllString(units.ReplaceAllString(s, ""), "")
		return strings.Split(s, "\n")
	}
	got, wants := strip(b.String()), strip(want)
	if len(got) != len(wants) || len(got) < 200 {
		t.Errorf("%s has %d lines, and the library's %d", name, len(got), len(wants))
	}
	for i := range min(len(got), len(wants)) {
		if got[i] != wants[i] {
			t.Errorf("%s, line %d: %s\nthe library writes: %s", name, i+1, got[i], wants[i])
		}
	}
}

// The linter of the Prometheus library reports no problem.
func TestLinterIsContent(t *testing.T) {
	problems, err := testutil.CollectAndLint(promcollect.New(loops(t)...))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A registry accepts a Collector beside the process collector, because their metrics have different
// names.
func ExampleCollector() {
	r, err := reactor.New()
	if err != nil {
		panic(err)
	}
	prometheus.MustRegister(promcollect.New(r))
	// Output:
}
