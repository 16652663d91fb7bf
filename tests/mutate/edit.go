package main

import (
	"slices"
	"strings"
)

// An edit replaces the text of a file between two offsets. Two edits are either nested or disjoint.
// The inner edit is made first.
type edit struct {
	number     int // of the edit's mutant
	start, end int
	// replace returns the new text. Its argument render returns the text of a part after the inner
	// edits.
	replace func(render func(start, end int) string) string
}

// around returns an edit that inserts text before and after a part.
func around(start, end int, before, after string) edit {
	return edit{start: start, end: end, replace: func(render func(int, int) string) string {
		return before + render(start, end) + after
	}}
}

// apply returns the text after all edits. If two edits have the same part, the earlier one is
// outside.
func apply(text []byte, edits []edit) string {
	order := slices.Clone(edits)
	slices.SortStableFunc(order, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	return render(text, order, 0, len(text))
}

// render returns the text between two offsets, after the edits that lie inside. order is sorted.
func render(text []byte, order []edit, start, end int) string {
	var b strings.Builder
	at := start
	for i := 0; i < len(order); {
		e := order[i]
		if e.start < at || e.end > end {
			i++
			continue
		}
		inside := i + 1
		for inside < len(order) && order[inside].start < max(e.end, e.start+1) && order[inside].end <= e.end {
			inside++
		}
		b.Write(text[at:e.start])
		inner := order[i+1 : inside]
		b.WriteString(e.replace(func(s, t int) string { return render(text, inner, s, t) }))
		at, i = e.end, inside
	}
	b.Write(text[at:end])
	return b.String()
}
