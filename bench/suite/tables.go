package suite

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ureactor/ureactor/bench/load"
)

// merged returns the histogram of all slices of a server, or nil if it has none.
func merged(in []Reading, server string) *hdrhistogram.Histogram {
	var all *hdrhistogram.Histogram
	for _, x := range in {
		if x.Server != server || x.Latencies == nil {
			continue
		}
		h, err := hdrhistogram.Decode(x.Latencies)
		if err != nil {
			continue // then it has no reading here: see summarize
		}
		if all == nil {
			all = load.NewHistogram()
		}
		all.Merge(h)
	}
	return all
}

// latency writes the table of p50, p99 and p99.9 at each offered load, over all slices. The table
// also has the median of the slices' p99, which does not depend on one bad moment of the machine.
func (r *Result) latency(to io.Writer) {
	loads := r.rateLoads()
	if len(loads) == 0 {
		return
	}
	fmt.Fprint(to, "\n## Latency at fixed rates, ms: p50 / p99 / p99.9, and the median of the slices' p99\n\n| load | messages/s |")
	for _, s := range r.Styles {
		fmt.Fprintf(to, " %s |", s.Name)
	}
	fmt.Fprintf(to, "\n|---|--:|%s\n", strings.Repeat("---|", len(r.Styles)))
	for _, s := range r.Scenarios {
		in := r.of(s.Name)
		if s.Share == 0 || len(in) == 0 {
			continue
		}
		fmt.Fprintf(to, "| %s | %.0f |", s.Name, in[0].Offered)
		for _, style := range r.Styles {
			h := merged(in, style.Name)
			if h == nil {
				fmt.Fprint(to, " – |")
				continue
			}
			ms := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e6 }
			fmt.Fprintf(to, " %.3g / %.3g / %.3g; %.3g |", ms(50), ms(99), ms(99.9), Median(p99s(in, style.Name)))
		}
		fmt.Fprintln(to)
	}
	fmt.Fprint(to, "\nEach latency counts from when the message was due, so a server that stalls pays for all who waited.\n")
}

func p99s(in []Reading, server string) []float64 {
	return figures(in, server, func(x Reading) float64 { return x.P99.Seconds() * 1e3 })
}

// growth writes a table of the cost that idle connections add to a message on the others, relative
// to the reference.
func (r *Result) growth(to io.Writer) {
	r.grown(to, "64B-x100", "100-of-10000", "100 of 10,000 connections ÷ 100 of 100")
	r.grown(to, "1-of-10", "1-of-10000", "1 of 10,000 connections ÷ 1 of 10")
}

func (r *Result) grown(to io.Writer, name, other, what string) {
	few, many := r.of(name), r.of(other)
	if len(few) == 0 || len(many) == 0 {
		return
	}
	fmt.Fprintf(to, "\n## Growth with idle connections: CPU per message, %s\n\n| server | growth | ÷ %s's growth |\n|---|---|---|\n", what, r.Ref())
	for _, s := range r.Styles {
		g := Median(costs(many, s.Name)) / Median(costs(few, s.Name))
		relative := 1.0
		if s.Name != r.Ref() { // ratios, because the machine may have drifted between scenarios
			relative = Median(ratios(few, r.Ref(), s.Name, Reading.cost)) / Median(ratios(many, r.Ref(), s.Name, Reading.cost))
		}
		if !math.IsNaN(g) {
			fmt.Fprintf(to, "| %s | %.3f | %.3f |\n", s.Name, g, relative)
		}
	}
}

func costs(in []Reading, server string) []float64 { return figures(in, server, Reading.cost) }

func figures(in []Reading, server string, f func(Reading) float64) []float64 {
	var out []float64
	for _, x := range in {
		if x.Server == server {
			out = append(out, f(x))
		}
	}
	return out
}

func (r *Result) memory(to io.Writer) {
	names := []string{"idle-memory", "idle-memory-max", "tls-idle-memory", "websocket-idle-memory"}
	if !slices.ContainsFunc(names, func(name string) bool { return len(r.of(name)) > 0 }) {
		return
	}
	fmt.Fprint(to, "\n## Resident memory of each idle connection, bytes\n\n| server | 10,000 | as many as allowed | 10,000 over TLS | 10,000 of WebSocket |\n|---|--:|--:|--:|--:|\n")
	for _, s := range r.Styles {
		row, some := "| "+s.Name+" |", false
		for _, name := range names {
			b := r.bytes(name, s.Name)
			row, some = row+" "+b+" |", some || b != "–"
		}
		if some {
			fmt.Fprintln(to, row)
		}
	}
}

func (r *Result) bytes(scenario, server string) string {
	x := figures(r.of(scenario), server, func(x Reading) float64 { return x.Bytes })
	if len(x) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", max(0, Median(x)))
}
