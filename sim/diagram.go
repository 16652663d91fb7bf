package sim

import (
	"fmt"
	"io"
	"strings"
)

// column is the width of a host's column in characters.
const column = 32

// WriteDiagram writes the trace as a sequence diagram, with a column for each host and an arrow for
// each packet that has arrived. Time runs downwards. Waits without a result are omitted.
func (w *World) WriteDiagram(to io.Writer) error {
	names := make([]string, len(w.hosts))
	for i, h := range w.hosts {
		names[i] = fmt.Sprintf("%-*s", column, h.name)
	}
	lines := []string{fmt.Sprintf("%14s  %s", "", strings.Join(names, ""))}
	for _, r := range w.trace.all() {
		text := ""
		switch {
		case r.kind == isWorld:
			text = "==== " + r.text
		case r.kind == isFault:
			text = "!!!! " + r.text
		case r.kind == isPacket && r.to != r.host:
			text = r.arrow()
		case r.kind == isPacket || r.idle():
			continue
		default:
			text = strings.Repeat(fmt.Sprintf("%-*s", column, "|"), r.host.index) + strings.TrimPrefix(r.what(), r.host.name+" ")
		}
		lines = append(lines, stamp(r.at)+"  "+text)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(to, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// arrow returns the line of a packet.
func (r record) arrow() string {
	left, right := r.host.index, r.to.index
	back := false
	if left > right {
		left, right = right, left
		back = true
	}
	room := (right-left)*column - 3
	label := " " + r.text + " "
	dashes := max(room-len(label)-1, 2)
	line := strings.Repeat("-", dashes/2) + label + strings.Repeat("-", dashes-dashes/2)
	if back {
		line = "<" + line
	} else {
		line += ">"
	}
	return strings.Repeat(fmt.Sprintf("%-*s", column, "|"), left) + "|" + line + "|"
}
