package suite

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// Begin and End are the lines of a file between which a table belongs: "<!-- NAME: begin" and "<!-- NAME: end".
const (
	begin = "<!-- %s: begin"
	end   = "<!-- %s: end"
)

// Replace puts text between the markers of that name in a file. What else the file says stays as it is.
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

// README writes what the project's README shows: the ratios, the latency at 80 % and the memory.
func (r *Result) README(to io.Writer) {
	fmt.Fprintf(to, `CPU per message of an echo, **%s ÷ server: 1.00 is as cheap as a hand-written C epoll loop, higher is better**; medians with
95 %% intervals, each server on one core, interleaved (%s; %d slices of %v each). `+"`c-again`"+` is the same C program
twice: what lies within its interval is noise.

`, r.Ref(), machine(), r.Config.Rounds, r.Config.Slice)
	r.ratioTable(to, 2)
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
			low, high := interval(x)
			return fmt.Sprintf("%.3g (%.3g–%.3g)", median(x), low, high)
		})
		r.readmeRow(to, "– the reference's", func(style string) string {
			if style != r.Styles[1].Name {
				return ""
			}
			return fmt.Sprintf("%.3g", median(p99s(in, r.Ref())))
		})
	}
	for _, s := range r.Styles {
		if s.Name == "net" || !s.Ours && s.Name != r.Ref() && s.Name != "c-again" {
			fmt.Fprintf(to, "\n%s: %s.", s.Name, s.About)
		}
	}
	fmt.Fprintln(to)
}

func (r *Result) readmeRow(to io.Writer, name string, cell func(style string) string) {
	fmt.Fprintf(to, "| %s |", name)
	for _, s := range r.Styles[1:] {
		fmt.Fprintf(to, " %s |", cell(s.Name))
	}
	fmt.Fprintln(to)
}
