package suite

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ureactor/ureactor/bench/server"
)

// Begin and End are the lines of a file between which a table belongs: "<!-- NAME: begin" and "<!--
// NAME: end".
const (
	begin = "<!-- %s: begin"
	end   = "<!-- %s: end"
)

// Replace replaces the text between the markers with this name in a file. The rest of the file does
// not change.
func Replace(file, name, text string) error {
	was, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	from := bytes.Index(was, fmt.Appendf(nil, begin, name))
	to := bytes.Index(was, fmt.Appendf(nil, end, name))
	if from < 0 || to < from {
		return fmt.Errorf("%s has no lines %q and %q", file, fmt.Sprintf(begin, name), fmt.Sprintf(end, name))
	}
	from += bytes.IndexByte(was[from:], '\n') + 1
	var now bytes.Buffer
	now.Write(was[:from])
	now.WriteString(strings.TrimSpace(text) + "\n")
	now.Write(was[to:])
	return os.WriteFile(file, now.Bytes(), 0o644)
}

// Page writes the measured tables into a page of the project, doc/performance.md. A table without
// measurements stays as it is.
func (r *Result) Page(file string) error {
	for _, t := range []struct {
		name  string
		kind  func(Scenario) bool
		write func(io.Writer)
	}{{"cost table", echo, r.echoes}, {"tls and http table", protocol, r.protocols}, {"websocket table", webSocket, r.messages}} {
		if !r.has(t.kind) {
			continue
		}
		var text strings.Builder
		t.write(&text)
		if err := Replace(file, t.name, text.String()); err != nil {
			return err
		}
	}
	return r.pagePlots(file)
}

// onPage are the plots that the page shows, in their order.
var onPage = []string{"cpu-64B-x50", "cpu-64B-x1000", "cpu-1MiB-stream", "cpu-churn", "cpu-tls-64B-x50", "p99-rate-x50", "idle-memory", "scaling"}

// pagePlots writes the plots into the folder plots beside the page. The page shows these plots and
// plots of earlier runs.
func (r *Result) pagePlots(file string) error {
	dir := filepath.Join(filepath.Dir(file), "plots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := r.plots(dir, func(name string) bool { return slices.Contains(onPage, name) }, ".svg"); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	var text strings.Builder
	for _, name := range onPage {
		if _, err := os.Stat(filepath.Join(dir, name+".svg")); err == nil {
			fmt.Fprintf(&text, "![%s](plots/%s.svg)\n", name, name)
		}
	}
	return Replace(file, "plots", text.String())
}

// protocols writes the table for TLS and HTTP: the ratios and the memory.
func (r *Result) protocols(to io.Writer) {
	fmt.Fprintf(to, `CPU time for each message over TLS and HTTP, as the ratio **%[1]s ÷ server: 1.00 is as cheap as
crypto/tls and net/http over package net, and higher is better**. `+"`%[1]s-again`"+` is the same server as
`+"`%[1]s`"+` in a second process. In the rows of HTTP, `+"`callback`"+` is examples/http/h1. `+"`task`"+` uses
net/http's parser and writes the answer itself. Each server ran %[2]d slices of %[3]v.

`, standard, r.Config.Rounds, r.Config.Slice)
	r.ratioTable(to, protocol, 2)
	r.memoryRow(to, "TLS", "tls-idle-memory", protocol)
}

// messages writes the table for WebSocket: the ratios and the memory.
func (r *Result) messages(to io.Writer) {
	fmt.Fprintf(to, `CPU time for each message over WebSocket, as the ratio **%[1]s ÷ server: 1.00 is as cheap as
coder/websocket on net/http, and higher is better**. `+"`%[1]s-again`"+` is the same server as `+"`%[1]s`"+` in a
second process. Each server ran %[2]d slices of %[3]v.
Machine: %[4]s.

`, standard, r.Config.Rounds, r.Config.Slice, machine())
	r.ratioTable(to, webSocket, 2)
	r.memoryRow(to, "WebSocket", "websocket-idle-memory", webSocket)
}

// memoryRow writes the last row of a table.
func (r *Result) memoryRow(to io.Writer, what, scenario string, kind func(Scenario) bool) {
	if len(r.of(scenario)) == 0 {
		return
	}
	fmt.Fprintf(to, "| resident bytes per idle %s connection; %s: %s |", what, standard, r.bytes(scenario, standard))
	for _, v := range r.compared(r.Scenarios[slices.IndexFunc(r.Scenarios, kind)])[1:] {
		fmt.Fprintf(to, " %s |", r.bytes(scenario, v.Name))
	}
	fmt.Fprintln(to)
}

// echoes writes the table for the echo: the ratios, the latency at 80 % and the memory.
func (r *Result) echoes(to io.Writer) {
	fmt.Fprintf(to, `CPU time for each message of an echo, as the ratio **%s ÷ server: 1.00 is as cheap as a C epoll loop
that is written by hand, and higher is better**. The figures are medians, with 95 %% confidence
intervals in parentheses. Each server has one core. The servers run in turn, with %d slices of %v
for each. `+"`c-again`"+` is the same C program in a second process. So a difference
within the interval of `+"`c-again`"+` is noise. Machine: %s.

`, r.Ref(), r.Config.Rounds, r.Config.Slice, machine())
	r.ratioTable(to, echo, 2)
	r.readmeRow(to, "resident bytes per idle connection", func(style string) string { return r.bytes("idle-memory", style) })
	for _, s := range r.Scenarios {
		if s.Share != .8 {
			continue
		}
		in := r.of(s.Name)
		r.readmeRow(to, s.Name+": p99, ms", func(style string) string {
			x := p99s(in, style)
			if len(x) == 0 {
				return "–"
			}
			low, high := Interval(x)
			return fmt.Sprintf("%.3g (%.3g–%.3g)", Median(x), low, high)
		})
		r.readmeRow(to, "– the reference's", func(style string) string {
			if style != r.Styles[1].Name {
				return ""
			}
			return fmt.Sprintf("%.3g", Median(p99s(in, r.Ref())))
		})
	}
	fmt.Fprint(to, "\n| server | is |\n|---|---|\n")
	for _, s := range r.echoing() {
		if s.Name == "net" || !s.Ours && s.Name != r.Ref() && s.Name != "c-again" {
			fmt.Fprintf(to, "| %s | %s |\n", s.Name, s.About)
		}
	}
}

func (r *Result) readmeRow(to io.Writer, name string, cell func(style string) string) {
	fmt.Fprintf(to, "| %s |", name)
	for _, s := range r.echoing()[1:] {
		fmt.Fprintf(to, " %s |", cell(s.Name))
	}
	fmt.Fprintln(to)
}

// echoing returns the styles that have the echo.
func (r *Result) echoing() []server.Style {
	return slices.DeleteFunc(slices.Clone(r.Styles), func(v server.Style) bool { return v.NoEcho })
}
