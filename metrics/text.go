package metrics

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// These are the content types of the output of Text and OpenMetrics.
const (
	TextType        = "text/plain; version=0.0.4; charset=utf-8"
	OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// Text writes the metrics in Prometheus's text format, which every version of Prometheus reads.
func (e *Exporter) Text(w io.Writer) error { return e.write(w, false) }

// OpenMetrics writes the metrics as OpenMetrics 1.0.
func (e *Exporter) OpenMetrics(w io.Writer) error { return e.write(w, true) }

// PrometheusName returns the name of the Family in Prometheus. It contains underscores and the
// unit, and for a Counter it ends in _total.
func (f *Family) PrometheusName() string {
	name := f.baseName()
	if f.Kind == Counter {
		name += "_total"
	}
	return name
}

func (f *Family) baseName() string {
	name := strings.ReplaceAll(f.Name, ".", "_")
	if unit := f.unitName(); unit != "" {
		name += "_" + unit
	}
	return name
}

func (f *Family) unitName() string {
	switch f.Unit {
	case "s":
		return "seconds"
	case "By":
		return "bytes"
	case "1":
		return "ratio"
	}
	return ""
}

type writer struct {
	*bufio.Writer
	open bool // OpenMetrics
}

func (e *Exporter) write(to io.Writer, open bool) error {
	w := writer{bufio.NewWriter(to), open}
	for _, f := range e.Gather() {
		w.family(&f)
	}
	if open {
		w.text("# EOF\n")
	}
	return w.Flush()
}

func (w writer) text(parts ...string) {
	for _, p := range parts {
		_, _ = w.WriteString(p) // Flush returns the error
	}
}

func (w writer) family(f *Family) {
	name, family := f.PrometheusName(), f.PrometheusName()
	if w.open { // OpenMetrics names the family of a counter without _total
		family = f.baseName()
	}
	w.text("# HELP ", family, " ", f.Help, "\n# TYPE ", family, " ", f.Kind.String(), "\n")
	if unit := f.unitName(); w.open && unit != "" {
		w.text("# UNIT ", family, " ", unit, "\n")
	}
	for i := range f.Samples {
		s := &f.Samples[i]
		if f.Kind == Histogram {
			w.histogram(name, s)
		} else {
			w.sample(name, s.Labels, w.number(s.Value))
		}
	}
}

func (w writer) histogram(name string, s *Sample) {
	var n uint64
	for i, c := range s.Histogram.Counts {
		n += c
		le := Label{"le", w.number(Bound(i))}
		w.sample(name+"_bucket", append(s.Labels[:len(s.Labels):len(s.Labels)], le), strconv.FormatUint(n, 10))
	}
	w.sample(name+"_sum", s.Labels, w.number(s.Histogram.Sum.Seconds()))
	w.sample(name+"_count", s.Labels, strconv.FormatUint(n, 10))
}

func (w writer) sample(name string, labels []Label, value string) {
	w.text(name)
	for i, l := range labels {
		before := ","
		if i == 0 {
			before = "{"
		}
		w.text(before, l.Name, `="`, l.Value, `"`)
	}
	if len(labels) > 0 {
		w.text("}")
	}
	w.text(" ", value, "\n")
}

// number formats a value. OpenMetrics requires a whole number to look like a float.
func (w writer) number(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if w.open && !strings.ContainsAny(s, "e.IN") {
		s += ".0"
	}
	return s
}
