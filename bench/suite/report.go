package suite

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Write puts report.md and readings.csv into dir.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	md, err := os.Create(filepath.Join(dir, "report.md"))
	if err != nil {
		return err
	}
	r.Markdown(md)
	if err := md.Close(); err != nil {
		return err
	}
	raw, err := os.Create(filepath.Join(dir, "readings.csv"))
	if err != nil {
		return err
	}
	r.readings(raw)
	return raw.Close()
}

func (r *Result) readings(to io.Writer) {
	w := csv.NewWriter(to)
	w.Write([]string{"scenario", "seq", "server", "messages", "took_ns", "cpu_ns", "bytes_per_conn", "offered", "p50_ns", "p99_ns", "p999_ns"})
	for _, x := range r.Readings {
		w.Write([]string{x.Scenario, strconv.Itoa(x.Seq), x.Server, strconv.FormatInt(x.Messages, 10),
			strconv.FormatInt(x.Took.Nanoseconds(), 10), strconv.FormatInt(x.CPU.Nanoseconds(), 10), fmt.Sprintf("%.1f", x.Bytes),
			fmt.Sprintf("%.0f", x.Offered), strconv.FormatInt(x.P50.Nanoseconds(), 10), strconv.FormatInt(x.P99.Nanoseconds(), 10),
			strconv.FormatInt(x.P999.Nanoseconds(), 10)})
	}
	w.Flush()
}

// Markdown writes the tables: ratios at a glance, then what is behind them.
func (r *Result) Markdown(to io.Writer) {
	fmt.Fprintf(to, "# Benchmark of %s\n\n", r.Began.UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(to, "%s, %s/%s, seed %d, %d slices of %v each; reference: %s.\n\n", machine(), runtime.GOOS, runtime.GOARCH,
		r.Config.Seed, r.Config.Rounds, r.Config.Slice, r.Ref())
	for _, n := range r.Notes {
		fmt.Fprintf(to, "- %s\n", strings.ReplaceAll(n, "\n", "\n  "))
	}
	if len(r.Readings) == 0 {
		fmt.Fprintln(to, "Nothing was measured.")
		return
	}
	r.glance(to)
	r.growth(to)
	r.memory(to)
	r.detail(to)
	fmt.Fprint(to, "\n## Servers and scenarios\n\n")
	for _, s := range r.Styles {
		fmt.Fprintf(to, "- **%s**: %s\n", s.Name, s.About)
	}
	for _, s := range r.Scenarios {
		fmt.Fprintf(to, "- **%s**: %s\n", s.Name, s.About)
	}
}

func (r *Result) of(scenario string) []Reading {
	var in []Reading
	for _, x := range r.Readings {
		if x.Scenario == scenario {
			in = append(in, x)
		}
	}
	return in
}

func (r *Result) glance(to io.Writer) {
	fmt.Fprintf(to, "\n## CPU per message, %s ÷ server (1.00 is as cheap, higher is better)\n\n| scenario |", r.Ref())
	for _, s := range r.Styles[1:] {
		fmt.Fprintf(to, " %s |", s.Name)
	}
	fmt.Fprintf(to, "\n|---|%s\n", strings.Repeat("---|", len(r.Styles)-1))
	for _, s := range r.Scenarios {
		if s.Idle {
			continue
		}
		fmt.Fprintf(to, "| %s |", s.Name)
		for _, style := range r.Styles[1:] {
			x := ratios(r.of(s.Name), r.Ref(), style.Name)
			if len(x) == 0 {
				fmt.Fprint(to, " – |")
				continue
			}
			low, high := interval(x)
			fmt.Fprintf(to, " %.3f (%.3f–%.3f) |", median(x), low, high)
		}
		fmt.Fprintln(to)
	}
	fmt.Fprint(to, "\nMedian and its 95 % confidence interval.\n")
}

// growth is what 9,900 idle connections add to the cost of a message on the other 100, relative to the reference.
func (r *Result) growth(to io.Writer) {
	few, many := r.of("64B-x100"), r.of("100-of-10000")
	if len(few) == 0 || len(many) == 0 {
		return
	}
	fmt.Fprintf(to, "\n## Growth with 9,900 idle connections: CPU per message, 100 of 10,000 ÷ 100 of 100\n\n| server | growth | ÷ %s's growth |\n|---|---|---|\n", r.Ref())
	for _, s := range r.Styles {
		g := median(costs(many, s.Name)) / median(costs(few, s.Name))
		relative := 1.0
		if s.Name != r.Ref() { // by way of the ratios: the machine may have drifted from one scenario to the next
			relative = median(ratios(few, r.Ref(), s.Name)) / median(ratios(many, r.Ref(), s.Name))
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
	in := r.of("idle-memory")
	if len(in) == 0 {
		return
	}
	fmt.Fprintf(to, "\n## Resident memory of each idle connection\n\n| server | bytes |\n|---|---|\n")
	for _, s := range r.Styles {
		if x := figures(in, s.Name, func(x Reading) float64 { return x.Bytes }); len(x) > 0 {
			fmt.Fprintf(to, "| %s | %.0f |\n", s.Name, median(x))
		}
	}
}

func (r *Result) detail(to io.Writer) {
	fmt.Fprint(to, "\n## Behind the ratios\n\n| scenario | server | CPU/message µs | messages/s | server busy | slices |\n|---|---|--:|--:|--:|--:|\n")
	for _, s := range r.Scenarios {
		in := r.of(s.Name)
		for _, style := range r.Styles {
			c := costs(in, style.Name)
			if len(c) == 0 || s.Idle {
				continue
			}
			fmt.Fprintf(to, "| %s | %s | %.3f | %.0f | %.0f %% | %d |\n", s.Name, style.Name, median(c)/1000,
				median(figures(in, style.Name, Reading.rate)), 100*median(figures(in, style.Name, Reading.busy)), len(c))
		}
	}
}

// machine names the processor, the cores and the versions.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, Linux %s, %s", model, strings.TrimSpace(string(kernel)), runtime.Version())
}
