package sim

import (
	"fmt"
	"io"
	"slices"
)

// These say how many lines WriteAround writes before and after each fault, and in all. If there are
// many faults, each has fewer lines, but at least aroundLeast.
const (
	aroundBefore = 5
	aroundAfter  = 10
	aroundMost   = 200
	aroundLeast  = 3
)

// WriteAround writes the steps around each fault that Options.Trace has kept: calls, packets and
// log lines of the fault's hosts, and notes. Waits that found nothing are omitted.
func (w *World) WriteAround(to io.Writer) error {
	all := w.trace.all()
	share := min(aroundBefore+aroundAfter, max(aroundLeast, aroundMost/max(1, len(w.marks))))
	shown := map[int]bool{}
	for _, m := range w.marks {
		before := share * aroundBefore / (aroundBefore + aroundAfter)
		related := func(r *record) bool {
			return !r.idle() && (r.kind == isWorld || r.host == m.host || r.host == m.to || r.to != nil && (r.to == m.host || r.to == m.to))
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
	return writeShown(to, all, shown)
}

// writeShown writes some of the records, and how many are left out between them.
func writeShown(to io.Writer, all []record, shown map[int]bool) error {
	last := -1
	for i := range all {
		if !shown[i] {
			continue
		}
		text := all[i].String()
		if i > last+1 {
			text = fmt.Sprintf("%8s … %d lines\n%s", "", i-last-1, text)
		}
		if _, err := fmt.Fprintln(to, text); err != nil {
			return err
		}
		last = i
	}
	return nil
}

// WriteLog writes log lines, notes and faults, of those that Options.Trace has kept. If there are
// more than most, it writes those that are nearest to a fault or to the end.
func (w *World) WriteLog(to io.Writer, most int) error {
	if most < 1 {
		panic(fmt.Sprintf("sim: WriteLog(%d): must be 1 or more lines", most))
	}
	all := slices.DeleteFunc(slices.Clone(w.trace.all()), func(r record) bool { return r.kind == isCall || r.kind == isPacket })
	faults := map[int]bool{}
	for _, m := range w.marks {
		faults[m.at] = true
	}
	far := make([]int, len(all)) // to the nearest fault, or to the end
	near := len(all)
	for i := range all {
		if near++; faults[all[i].seq] {
			near = 0
		}
		far[i] = near
	}
	near = 0
	order := make([]int, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		if near++; faults[all[i].seq] {
			near = 0
		}
		far[i], order[i] = min(far[i], near), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return far[a] - far[b] })
	shown := map[int]bool{}
	for _, i := range order[:min(most, len(all))] {
		shown[i] = true
	}
	return writeShown(to, all, shown)
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
