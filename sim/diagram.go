package sim

import (
	"fmt"
	"io"
	"strings"
)

// WriteDiagram writes what the trace has kept as a sequence diagram: a column for each host, time downwards. Looks that
// found nothing (EAGAIN, an empty Wait) are left out.
func (w *World) WriteDiagram(to io.Writer) error {
	const width = 30
	var head strings.Builder
	fmt.Fprintf(&head, "%14s", "")
	for _, h := range w.hosts {
		fmt.Fprintf(&head, "  %-*.*s", width, width, h.name)
	}
	if _, err := fmt.Fprintln(to, strings.TrimRight(head.String(), " ")); err != nil {
		return err
	}
	for _, r := range w.trace.all() {
		line := ""
		switch {
		case r.host == nil:
			line = fmt.Sprintf("%14s  ==== %s", stamp(r.at), r.text)
		case r.c == Wait && r.res == 0 && r.e == 0:
			continue
		default:
			text := strings.TrimPrefix(r.String()[24:], r.host.name+" ")
			line = fmt.Sprintf("%14s  %s%.*s", stamp(r.at), strings.Repeat(fmt.Sprintf("|%-*s", width+1, ""), r.host.index), width, text)
		}
		if _, err := fmt.Fprintln(to, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
