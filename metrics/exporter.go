package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ureactor/ureactor/reactor"
)

// An Exporter collects the metrics of one or more loops. Any goroutine may call its methods. No
// method makes a loop wait.
type Exporter struct {
	loops []*reactor.Reactor

	mu    sync.Mutex // guards last and share
	last  []reactor.Load
	share []float64 // by loop: the last collected utilization
}

// New makes an Exporter for a reactor, or for all loops of a Group: New(g.Loops()...). From now on
// the loops measure their time. New panics if there is no loop, or if a loop is nil.
func New(loops ...*reactor.Reactor) *Exporter {
	if len(loops) == 0 {
		panic("metrics: New without a reactor; pass one, or Loops of a Group")
	}
	e := &Exporter{loops: append([]*reactor.Reactor(nil), loops...)}
	for _, r := range loops {
		if r == nil {
			panic("metrics: New with a nil reactor")
		}
		e.last = append(e.last, r.Load())
	}
	e.share = make([]float64, len(loops))
	return e
}

// A Kind is the meaning of a Family's values.
type Kind uint8

const (
	Counter   Kind = iota // a count since the start; it never falls
	Gauge                 // a current value
	Histogram             // durations, counted in buckets
)

func (k Kind) String() string {
	if k > Histogram {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return [...]string{"counter", "gauge", "histogram"}[k]
}

// A Family is one metric with its Samples.
type Family struct {
	Name string // as OpenTelemetry writes names: ureactor.eventloop.time
	Unit string // UCUM: "s", "By", "1" for a ratio, or an annotation such as "{turn}"
	Help string
	Kind Kind

	Samples []Sample
}

// A Sample is a value with its labels, which are sorted by name.
type Sample struct {
	Labels    []Label
	Value     float64            // the value of a Counter or Gauge
	Histogram *reactor.Histogram // the value of a Histogram
}

// A Label is a name and a value.
type Label struct{ Name, Value string }

// Gather returns all metrics, sorted by their names in Prometheus. The samples are sorted by their
// labels. Each loop has its own samples, with the label "loop". ureactor.eventloop.utilization
// covers the time since the last Gather. All other methods also call Gather.
func (e *Exporter) Gather() []Family {
	views := e.look()
	all := make([]Family, 0, len(table))
	for _, row := range table {
		f := row.Family
		for i := range views {
			if row.once && i > 0 {
				break
			}
			labels := []Label{{"loop", views[i].loop}}
			if row.once {
				labels = nil
			}
			for _, s := range row.samples(&views[i]) {
				s.Labels = append(s.Labels, labels...)
				slices.SortFunc(s.Labels, compareLabel)
				f.Samples = append(f.Samples, s)
			}
		}
		slices.SortFunc(f.Samples, func(a, b Sample) int { return compareLabels(a.Labels, b.Labels) })
		if len(f.Samples) > 0 {
			all = append(all, f)
		}
	}
	return all
}

func compareLabels(a, b []Label) int { return slices.CompareFunc(a, b, compareLabel) }

func compareLabel(a, b Label) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
}

// A view contains the figures of one loop at one time.
type view struct {
	loop  string
	stats reactor.Stats
	load  reactor.Load
	share float64 // utilization since the last view

	open, allowed int // file descriptors of the process
}

func (e *Exporter) look() []view {
	if len(e.loops) == 0 {
		panic("metrics: an Exporter without loops: make it with New")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	views := make([]view, len(e.loops))
	for i, r := range e.loops {
		v := &views[i]
		v.loop, v.stats, v.load = strconv.Itoa(i), r.Stats(), r.Load()
		if d := v.load.Since(&e.last[i]); d.Busy+d.Idle > 0 {
			e.last[i], e.share[i] = v.load, d.Utilization()
		}
		v.share = e.share[i]
	}
	views[0].open, views[0].allowed = e.loops[0].Files()
	return views
}
