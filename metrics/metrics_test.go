//go:build unix

package metrics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// simulated makes a world and a loop that uses the world's clock.
func simulated(t *testing.T) (*sim.World, *reactor.Reactor) {
	t.Helper()
	w := sim.New(1, sim.Options{})
	r, err := reactor.New(reactor.WithKernel(w.Host("10.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		for r.Turn(0) == nil {
		}
		w.Close()
	})
	return w, r
}

// stall makes the loop work for d in one turn.
func stall(t *testing.T, w *sim.World, r *reactor.Reactor, d time.Duration) {
	t.Helper()
	if err := r.Post(func() {
		if err := w.Run(d); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Turn(timeout.Past); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Text and OpenMetrics contain the figures of the loop: one turn of 20 ms in its bucket, and the
// time in each state. (A Wait of a simulated Poller takes 1 µs.)
func TestBothFormatsHaveTheLoopsFigures(t *testing.T) {
	w, r := simulated(t)
	e := metrics.New(r)
	stall(t, w, r, 20*time.Millisecond)
	if err := w.Run(60 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	plain := text(t, func(b *bytes.Buffer) error { return e.Text(b) })
	open := text(t, func(b *bytes.Buffer) error { return e.OpenMetrics(b) })
	for _, line := range []string{
		"# TYPE ureactor_eventloop_time_seconds_total counter",
		`ureactor_eventloop_time_seconds_total{loop="0",state="active"} 0.02`,
		`ureactor_eventloop_time_seconds_total{loop="0",state="idle"} 0.060001`,
		`ureactor_eventloop_utilization_ratio{loop="0"} 0.249996875039062`,
		`ureactor_eventloop_turn_duration_seconds_bucket{loop="0",le="0.016384"} 0`,
		`ureactor_eventloop_turn_duration_seconds_bucket{loop="0",le="0.032768"} 1`,
		`ureactor_eventloop_turn_duration_seconds_bucket{loop="0",le="+Inf"} 1`,
		`ureactor_eventloop_turn_duration_seconds_sum{loop="0"} 0.02`,
		`ureactor_eventloop_turn_longest_seconds{loop="0"} 0.02`,
		`ureactor_posts_run_total{loop="0"} 1`,
		"ureactor_process_descriptors_allowed 1024",
	} {
		if !strings.Contains(plain, line+"\n") {
			t.Errorf("the text has no line %s", line)
		}
	}
	for _, line := range []string{
		"# TYPE ureactor_eventloop_time_seconds counter", "# UNIT ureactor_eventloop_time_seconds seconds",
		`ureactor_posts_run_total{loop="0"} 1.0`, `ureactor_eventloop_turn_duration_seconds_count{loop="0"} 1`,
	} {
		if !strings.Contains(open, line+"\n") {
			t.Errorf("OpenMetrics has no line %s", line)
		}
	}
	if !strings.HasSuffix(open, "\n# EOF\n") || strings.Contains(plain, "EOF") {
		t.Error("# EOF ends OpenMetrics, and only that")
	}
}

// Utilization covers the time since the last collection. Every method of an Exporter makes a
// collection.
func TestUtilizationIsSinceTheLastCollection(t *testing.T) {
	w, r := simulated(t)
	e := metrics.New(r)
	share := func() float64 {
		for _, f := range e.Gather() {
			if f.Name == "ureactor.eventloop.utilization" {
				return f.Samples[0].Value
			}
		}
		t.Fatal("no utilization")
		return 0
	}
	stall(t, w, r, time.Second)
	if got := share(); got < 0.999 {
		t.Errorf("utilization %v after nothing but work, want 1", got)
	}
	if again := share(); again < 0.999 {
		t.Errorf("asked again at the same time: %v, want the same", again)
	}
	if err := w.Run(time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := share(); got != 0 {
		t.Errorf("utilization %v after a minute of sleep, want 0", got)
	}
}

// Any goroutine may collect. A missing lock would fail this test in a race build.
func TestGoroutinesCollectAtTheSameTime(t *testing.T) {
	_, r := simulated(t)
	e := metrics.New(r)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				if len(e.Gather()) == 0 {
					t.Error("nothing was collected")
				}
			}
		})
	}
	all.Wait()
}

// Each loop has its own samples. A metric of the process has only one sample.
func TestEachLoopHasItsSamples(t *testing.T) {
	_, a := simulated(t)
	_, b := simulated(t)
	out := text(t, func(w *bytes.Buffer) error { return metrics.New(a, b).Text(w) })
	for line, want := range map[string]int{
		`ureactor_turns_total{loop="0"}`: 1, `ureactor_turns_total{loop="1"}`: 1, "\nureactor_process_descriptors_open ": 1,
		"# TYPE ureactor_turns_total ": 1,
	} {
		if n := strings.Count(out, line); n != want {
			t.Errorf("%q comes %d times, want %d", line, n, want)
		}
	}
}

// Names, help texts and labels follow the rules of both formats and of OpenTelemetry.
func TestNamesAreInOrder(t *testing.T) {
	_, r := simulated(t)
	var names []string
	label := regexp.MustCompile(`^[a-z]+$`)
	dotted := regexp.MustCompile(`^ureactor(\.[a-z]+)+$`)
	for _, f := range metrics.New(r).Gather() {
		names = append(names, f.PrometheusName())
		if !dotted.MatchString(f.Name) || !strings.HasSuffix(f.Help, ".") || strings.ContainsAny(f.Help, "\\\n") {
			t.Errorf("%s: %q", f.Name, f.Help)
		}
		for _, s := range f.Samples {
			if !slices.IsSortedFunc(s.Labels, func(a, b metrics.Label) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("%s has its labels in no order", f.Name)
			}
			for _, l := range s.Labels {
				if !label.MatchString(l.Name) || strings.ContainsAny(l.Value, "\"\\\n") {
					t.Errorf("%s has the label %q", f.Name, l)
				}
			}
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || len(names) != 39 {
		t.Errorf("%d names: %q", len(names), names)
	}
}

// String is JSON with the same figures as the other formats, even if a duration is in the last
// bucket.
func TestStringIsJSON(t *testing.T) {
	w, r := simulated(t)
	e := metrics.New(r)
	stall(t, w, r, time.Hour)
	var got struct {
		P100, Sum float64
		Count     int
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(e.String()), &all); err != nil {
		t.Fatal(err)
	}
	turns := map[string]json.RawMessage{}
	if err := json.Unmarshal(all["eventloop.turn.duration"], &turns); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(turns["0"], &got); err != nil {
		t.Fatal(err)
	}
	if got.Sum != 3600 || got.Count != 1 || got.P100 != metrics.Bound(reactor.HistogramBuckets-2) {
		t.Errorf("turns are %+v", got)
	}
	if string(all["process.descriptors.allowed"]) != "1024" {
		t.Errorf("allowed is %s", all["process.descriptors.allowed"])
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// Text and OpenMetrics return the error of a failed write.
func TestWriteErrorIsReturned(t *testing.T) {
	_, r := simulated(t)
	e := metrics.New(r)
	if err := e.Text(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("Text: %v", err)
	}
	if err := e.OpenMetrics(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("OpenMetrics: %v", err)
	}
}

// New panics without a reactor.
func TestNewWithoutAReactorPanics(t *testing.T) {
	for name, loops := range map[string][]*reactor.Reactor{"none": nil, "nil": {nil}} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.HasPrefix(v, "metrics: New") {
					t.Errorf("%s: panic %q", name, v)
				}
			}()
			metrics.New(loops...)
		}()
	}
}

// Prometheus's promtool reports no problem in the text.
func TestPromtoolIsContent(t *testing.T) {
	if !longtest.Only(t, "needs promtool") {
		return
	}
	_, r := simulated(t)
	c := exec.Command("promtool", "check", "metrics")
	c.Stdin = strings.NewReader(text(t, func(b *bytes.Buffer) error { return metrics.New(r).Text(b) }))
	out, err := c.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
