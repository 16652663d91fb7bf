package metrics

import (
	"encoding/json"
	"strings"

	"github.com/ureactor/ureactor/reactor"
)

// String returns the metrics as a JSON object. So an Exporter is an expvar.Var:
//
//	expvar.Publish("ureactor", metrics.New(r))
//
// This package does not import expvar, which imports net/http. The keys are the names of the
// Families, without "ureactor.". A Histogram is an object with its count, its sum, and upper bounds
// of quantiles in seconds. A metric of a loop is an object with a key for each loop, or for each
// loop and value of its other label: "0 active", "receive 0".
func (e *Exporter) String() string {
	all := map[string]any{}
	for _, f := range e.Gather() {
		values := map[string]any{}
		for i := range f.Samples {
			s := &f.Samples[i]
			var key []string
			for _, l := range s.Labels {
				key = append(key, l.Value)
			}
			values[strings.Join(key, " ")] = s.plain()
		}
		name := strings.TrimPrefix(f.Name, "ureactor.")
		if all[name] = values; len(f.Samples[0].Labels) == 0 {
			all[name] = values[""]
		}
	}
	text, err := json.Marshal(all)
	if err != nil { // NaN or an infinity, which JSON cannot express
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return string(text)
}

func (s *Sample) plain() any {
	if s.Histogram == nil {
		return s.Value
	}
	h := s.Histogram
	at := func(q float64) float64 {
		// JSON has no infinity, so the last bucket uses the bound of the bucket before it.
		return min(h.Quantile(q).Seconds(), Bound(reactor.HistogramBuckets-2))
	}
	return map[string]any{"count": h.Count(), "sum": h.Sum.Seconds(), "p50": at(0.5), "p99": at(0.99), "p100": at(1)}
}
