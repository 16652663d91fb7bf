package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// These constants limit how many lines WriteAround writes before and after each fault, and in all.
// If there are many faults, WriteAround writes fewer lines for each, but at least aroundLeast.
// After the last fault it writes up to aroundLast more lines. These additional lines exclude steps
// of a kind that has happened more than aroundUsual times before the last fault.
const (
	aroundBefore = 5
	aroundAfter  = 10
	aroundMost   = 200
	aroundLeast  = 3
	aroundLast   = 60
	aroundUsual  = 10
)

// aroundSame is how many lines of one shape are written after a fault.
const aroundSame = 2

// WriteAround writes the steps around each fault that Options.Trace has stored: calls, packets and
// log lines of the fault's hosts, and notes. After the last fault it also writes unusual steps of
// the hosts of all faults. It omits Waits without a result. Of the lines after a fault that differ
// only in numbers, it writes two. If there is no fault, it writes the steps around the last log
// line that does not repeat others.
func (w *World) WriteAround(to io.Writer) error {
	all := w.trace.all()
	x := excerpt{all: all, shown: map[int]bool{}}
	share := min(aroundBefore+aroundAfter, max(aroundLeast, aroundMost/max(1, len(w.marks))))
	before := share * aroundBefore / (aroundBefore + aroundAfter)
	hosts := map[*Host]bool{}
	for _, m := range w.marks {
		hosts[m.host], hosts[m.to] = true, true
	}
	delete(hosts, nil)
	for n, m := range w.marks {
		at := m.at - w.trace.added + len(all)
		if at < 0 {
			continue
		}
		own := map[*Host]bool{m.host: m.host != nil, m.to: m.to != nil}
		x.before(at, before, own)
		if n == len(w.marks)-1 {
			x.after(at, share-before, aroundLast, hosts)
		} else {
			x.after(at, share-before, 0, own)
		}
	}
	if at := lastNew(all); len(w.marks) == 0 && at >= 0 {
		for _, h := range w.hosts {
			hosts[h] = true
		}
		x.before(at, before, hosts)
		x.after(at, share-before, aroundLast, hosts)
	}
	return x.write(to)
}

// lastNew returns the index of the last log line that does not repeat others at one interval, or -1
// if there is none.
func lastNew(all []record) int {
	again := repeats(all, (*record).shape)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].kind == isLog && again[i] == nil {
			return i
		}
	}
	return -1
}

// before adds the last n lines of the hosts before the line `at`.
func (x *excerpt) before(at, n int, hosts map[*Host]bool) {
	for i := at - 1; i >= 0 && n > 0; i-- {
		if x.all[i].of(hosts) {
			x.shown[i] = true
			n--
		}
	}
}

// after adds the first n lines of the hosts from the line `at` on, but of each shape at most
// aroundSame lines. Then it adds up to `more` lines that are not usual.
func (x *excerpt) after(at, n, more int, hosts map[*Host]bool) {
	before, seen := map[string]int{}, map[string]int{}
	for i := 0; i < at && more > 0; i++ {
		if r := &x.all[i]; r.of(hosts) && r.kind != isLog {
			before[r.shape()]++
		}
	}
	for i := at; i < len(x.all) && n+more > 0; i++ {
		r := &x.all[i]
		if !r.of(hosts) {
			continue
		}
		shape := r.shape()
		if seen[shape]++; seen[shape] > aroundSame {
			continue
		}
		switch {
		case n > 0:
			n--
		case before[shape] > aroundUsual:
			continue
		default:
			more--
		}
		x.shown[i] = true
	}
	x.complete = n+more > 0
}

// of returns whether the record is a step of one of the hosts, or a note.
func (r *record) of(hosts map[*Host]bool) bool {
	return !r.idle() && (r.kind == isWorld || hosts[r.host] || hosts[r.to])
}

// shape returns the text of a line with # in place of each number. The lines of a repetition have
// one shape.
func (r *record) shape() string {
	text := r.text
	if strings.Contains(text, `\x`) { // binary data
		text = ""
	}
	var b strings.Builder
	number := false
	for _, c := range text {
		if c >= '0' && c <= '9' || number && (c == '.' || c == ' ') {
			number = true
			continue
		}
		if number {
			b.WriteByte('#')
		}
		number = false
		b.WriteRune(c)
	}
	switch r.kind {
	case isCall:
		return fmt.Sprintf("%s %v %d %v %t %s", r.host.name, r.c, r.fd, r.e, r.res == 0, b.String())
	case isPacket:
		return r.host.name + " → " + r.to.name + " " + b.String()
	case isLog:
		return r.host.name + " " + b.String()
	}
	return r.text
}

// WriteLog writes the log lines, notes and faults that Options.Trace has stored. Of log lines that
// repeat at one interval it writes two. If there are more lines than most, it writes the lines that
// are nearest to a fault or to the end.
func (w *World) WriteLog(to io.Writer, most int) error {
	if most < 1 {
		panic(fmt.Sprintf("sim: WriteLog(%d): must be 1 or more lines", most))
	}
	all := slices.DeleteFunc(slices.Clone(w.trace.all()), func(r record) bool { return r.kind == isCall || r.kind == isPacket })
	x := excerpt{all: all, shown: map[int]bool{}, again: repeats(all, func(r *record) string { return r.what() })}
	faults := map[int]bool{}
	for _, m := range w.marks {
		faults[m.at] = true
	}
	far := make([]int, len(all)) // distance to the nearest fault, or to the end
	near := len(all)
	for i := range all {
		if x.again[i] == nil {
			near++
		}
		if faults[all[i].seq] {
			near = 0
		}
		far[i] = near
	}
	near = 0
	var order []int
	for i := len(all) - 1; i >= 0; i-- {
		if x.again[i] == nil {
			near++
			order = append(order, i)
		}
		if faults[all[i].seq] {
			near = 0
		}
		far[i] = min(far[i], near)
	}
	slices.SortStableFunc(order, func(a, b int) int { return far[a] - far[b] })
	for _, i := range order[:min(most, len(order))] {
		x.shown[i] = true
	}
	return x.write(to)
}

// A mark is the place of a fault in the trace.
type mark struct {
	at       int // how many records the trace had before; the fault is the next record
	host, to *Host
}

// mark stores the place of the fault that is recorded next.
func (w *World) mark(host, to *Host) {
	if len(w.marks) < faultsMost {
		w.marks = append(w.marks, mark{w.trace.added, host, to})
	}
}

// idle returns whether the record is a Wait without a result.
func (r *record) idle() bool { return r.kind == isCall && r.c == Wait && r.res == 0 && r.e == 0 }
