package sim

import (
	"fmt"
	"io"
)

// These say how many lines WriteAround writes before and after each fault, and in all. If there are
// many faults, each has fewer lines, but at least aroundLeast.
const (
	aroundBefore = 5
	aroundAfter  = 10
	aroundMost   = 200
	aroundLeast  = 3
)

// WriteAround writes the steps around each fault that Options.Trace has kept: calls and packets of
// the fault's hosts, notes, and log lines of all hosts. Waits that found nothing are omitted.
func (w *World) WriteAround(to io.Writer) error {
	all := w.trace.all()
	share := min(aroundBefore+aroundAfter, max(aroundLeast, aroundMost/max(1, len(w.marks))))
	shown := map[int]bool{}
	for _, m := range w.marks {
		before := share * aroundBefore / (aroundBefore + aroundAfter)
		related := func(r *record) bool {
			return !r.idle() && (r.kind == isWorld || r.kind == isLog || r.host == m.host || r.host == m.to || r.to != nil && (r.to == m.host || r.to == m.to))
		}
		at := m.at - w.trace.added + len(all)
		for i, n := at-1, before; i >= 0 && n > 0; i-- {
			if related(&all[i]) {
				shown[i] = true
				n--
			}
		}
		for i, n := max(at, 0), share-before; at >= 0 && i < len(all) && n > 0; i++ {
			if related(&all[i]) {
				shown[i] = true
				n--
			}
		}
	}
	last := -1
	for i := range all {
		if !shown[i] {
			continue
		}
		if i > last+1 {
			if _, err := fmt.Fprintf(to, "%8s … %d steps\n", "", i-last-1); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(to, all[i]); err != nil {
			return err
		}
		last = i
	}
	return nil
}

// A mark is where a fault is in the trace.
type mark struct {
	at       int // how many records the trace had by then; the fault is the next one
	host, to *Host
}

// mark stores the place of a fault that is about to be recorded.
func (w *World) mark(host, to *Host) {
	if len(w.marks) < faultsMost {
		w.marks = append(w.marks, mark{w.trace.added, host, to})
	}
}

// idle returns whether the record is a Wait that found nothing.
func (r *record) idle() bool { return r.kind == isCall && r.c == Wait && r.res == 0 && r.e == 0 }
