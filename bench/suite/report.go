package suite

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/bench/server"
)

// Write writes report.md, readings.csv and the plots to dir. The journal there has the readings as
// JSON.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var md strings.Builder
	r.Markdown(&md)
	pictures, err := r.plots(dir, func(string) bool { return true }, ".svg", ".png")
	if err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	if len(pictures) > 0 {
		md.WriteString("\n## Plots\n\n")
	}
	for _, name := range pictures {
		fmt.Fprintf(&md, "![%s](%s.svg)\n", name, url.PathEscape(name))
	}
	if err := os.WriteFile(filepath.Join(dir, "report.md"), []byte(md.String()), 0o644); err != nil {
		return err
	}
	raw, err := os.Create(filepath.Join(dir, "readings.csv"))
	if err != nil {
		return err
	}
	if err := r.readings(raw); err != nil {
		return err
	}
	return raw.Close()
}

func (r *Result) readings(to io.Writer) error {
	w := csv.NewWriter(to)
	w.Write([]string{"scenario", "seq", "server", "messages", "took_ns", "cpu_ns", "bytes_per_conn", "offered", "p50_ns", "p99_ns", "p999_ns"})
	for _, x := range r.Readings {
		w.Write([]string{x.Scenario, strconv.Itoa(x.Seq), x.Server, strconv.FormatInt(x.Messages, 10),
			strconv.FormatInt(x.Took.Nanoseconds(), 10), strconv.FormatInt(x.CPU.Nanoseconds(), 10), fmt.Sprintf("%.1f", x.Bytes),
			fmt.Sprintf("%.0f", x.Offered), strconv.FormatInt(x.P50.Nanoseconds(), 10), strconv.FormatInt(x.P99.Nanoseconds(), 10),
			strconv.FormatInt(x.P999.Nanoseconds(), 10)})
	}
	w.Flush()
	return w.Error()
}

// Markdown writes the tables: first the ratios, then the details.
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
	r.latency(to)
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
	if r.has(echo) {
		fmt.Fprintf(to, "\n## CPU per message, %s ÷ server (1.00 is as cheap, higher is better)\n\n", r.Ref())
		r.ratioTable(to, echo, 3)
	}
	if r.has(protocol) {
		fmt.Fprintf(to, "\n## TLS and HTTP: CPU per message, %s ÷ server (1.00 is as cheap, higher is better)\n\n", standard)
		r.ratioTable(to, protocol, 3)
	}
	if r.has(webSocket) {
		fmt.Fprintf(to, "\n## WebSocket: CPU per message, coder/websocket on package net ÷ server (1.00 is as cheap, higher is better)\n\n")
		r.ratioTable(to, webSocket, 3)
	}
	fmt.Fprint(to, "\nMedian and its 95 % confidence interval.\n")
}

// There are ratios for three kinds of scenarios. Each kind has its own table.
func echo(s Scenario) bool      { return !s.Idle && s.Share == 0 && s.Protocol == "" }
func protocol(s Scenario) bool  { return !s.Idle && (s.Protocol == "tls" || s.Protocol == "http") }
func webSocket(s Scenario) bool { return !s.Idle && strings.HasPrefix(s.Name, "websocket") }

func (r *Result) has(kind func(Scenario) bool) bool { return slices.ContainsFunc(r.Scenarios, kind) }

// compared returns the styles in a scenario like s. The first is its reference, and the second is
// the reference's control.
func (r *Result) compared(s Scenario) []server.Style {
	ref := r.ref(s)
	if ref == r.Ref() {
		return r.echoing()
	}
	var styles []server.Style
	for _, v := range r.Styles {
		switch {
		case !s.fits(v):
		case v.Name == ref:
			styles = append([]server.Style{v, v.Again()}, styles...)
		default:
			styles = append(styles, v)
		}
	}
	return styles
}

func (r *Result) ratioTable(to io.Writer, kind func(Scenario) bool, digits int) {
	styles := r.compared(r.Scenarios[slices.IndexFunc(r.Scenarios, kind)])
	fmt.Fprint(to, "| scenario |")
	for _, v := range styles[1:] {
		fmt.Fprintf(to, " %s |", v.Name)
	}
	fmt.Fprintf(to, "\n|---|%s\n", strings.Repeat("---|", len(styles)-1))
	for _, s := range r.Scenarios {
		if !kind(s) {
			continue
		}
		r.ratioRow(to, s.Name, s, styles, digits, Reading.cost)
		if s.Protocol == "http" {
			r.ratioRow(to, s.Name+", requests/s: server ÷ "+r.ref(s), s, styles, digits, Reading.pace)
		}
	}
}

func (r *Result) ratioRow(to io.Writer, name string, s Scenario, styles []server.Style, digits int, of func(Reading) float64) {
	fmt.Fprintf(to, "| %s |", name)
	for _, v := range styles[1:] {
		x := ratios(r.of(s.Name), r.ref(s), v.Name, of)
		if len(x) == 0 {
			fmt.Fprint(to, " – |")
			continue
		}
		low, high := Interval(x)
		fmt.Fprintf(to, " %.*f (%.*f–%.*f) |", digits, Median(x), digits, low, digits, high)
	}
	fmt.Fprintln(to)
}

func (r *Result) detail(to io.Writer) {
	fmt.Fprint(to, "\n## Behind the ratios\n\n| scenario | server | CPU/message µs | messages/s | server busy | slices |\n|---|---|--:|--:|--:|--:|\n")
	for _, s := range r.Scenarios {
		in := r.of(s.Name)
		for _, style := range r.compared(s) {
			c := costs(in, style.Name)
			if len(c) == 0 || s.Idle {
				continue
			}
			fmt.Fprintf(to, "| %s | %s | %.3f | %.0f | %.0f %% | %d |\n", s.Name, style.Name, Median(c)/1000,
				Median(figures(in, style.Name, Reading.rate)), 100*Median(figures(in, style.Name, Reading.busy)), len(c))
		}
	}
}

// machine returns the processor, the number of cores, and the versions.
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
