package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// An excerpt is a selection of the lines of a trace.
type excerpt struct {
	all      []record
	shown    map[int]bool
	own      map[int]bool    // if not nil: the lines on the subject; a gap counts others
	complete bool            // the lines after the last shown one contain nothing new
	again    map[int]*repeat // lines that are left out because they repeat others
}

// A repeat is a group of lines that repeat at one interval.
type repeat struct {
	lines int
	names []string
	every int64
	until int64
	told  bool
}

// write writes the shown lines, and describes the gaps between them.
func (x *excerpt) write(to io.Writer) error {
	last := -1
	for i := range x.all {
		if !x.shown[i] {
			continue
		}
		if _, err := fmt.Fprint(to, x.gap(last+1, i), x.all[i].String(), "\n"); err != nil {
			return err
		}
		last = i
	}
	if len(x.shown) == 0 {
		return nil
	}
	rest := x.gap(last+1, len(x.all))
	if x.complete && rest != "" {
		rest = strings.TrimSuffix(rest, "\n") + ": nothing new on these hosts\n"
	}
	_, err := fmt.Fprint(to, rest)
	return err
}

// hiddenMost is how many kinds of lines a gap names.
const hiddenMost = 3

// gap describes the lines that are left out, between two indexes.
func (x *excerpt) gap(from, to int) string {
	var kinds []string
	count := map[string]int{}
	n, text := 0, ""
	for i := from; i < to; i++ {
		if r := x.again[i]; r != nil {
			if !r.told {
				r.told = true
				text += fmt.Sprintf("%8s … the same %s (%s) every %v until %s\n", "", strings.TrimPrefix(lines(r.lines), "1 "),
					strings.Join(r.names, ", "), time.Duration(r.every), stamp(r.until))
			}
			continue
		}
		kind := x.all[i].name()
		if x.own != nil && !x.own[i] && x.all[i].kind == isCall && x.all[i].c != Wait {
			kind += " of others"
		}
		if count[kind] == 0 {
			kinds = append(kinds, kind)
		}
		count[kind]++
		n++
	}
	if n == 0 {
		return text
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return count[b] - count[a] })
	for i, k := range kinds {
		if count[k] > 1 && len(kinds) > 1 {
			kinds[i] = fmt.Sprintf("%d %s", count[k], k)
		}
	}
	if len(kinds) > hiddenMost {
		kinds = append(kinds[:hiddenMost], "…")
	}
	return fmt.Sprintf("%8s … %s (%s)\n", "", lines(n), strings.Join(kinds, ", ")) + text
}

func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// name returns the kind of a line: the call, or the log message without its attributes.
func (r *record) name() string {
	switch r.kind {
	case isCall:
		return r.c.String()
	case isPacket:
		return "packets"
	case isFault:
		return "faults"
	case isWorld:
		return "notes"
	}
	_, message, _ := strings.Cut(r.text, " ")
	words := strings.Fields(message)
	if i := slices.IndexFunc(words, func(s string) bool { return strings.Contains(s, "=") }); i >= 0 {
		words = words[:i]
	}
	if len(words) == 0 {
		return "log"
	}
	return strings.Join(words, " ")
}

// repeatsLeast is how many lines at one interval count as a repetition.
const repeatsLeast = 5

// repeats finds log lines that repeat at one interval and have the same text. It returns the third
// and the later ones of each repetition. Repetitions with the same interval that end at the same
// time are combined.
func repeats(all []record, text func(r *record) string) map[int]*repeat {
	places := map[string][]int{}
	var keys []string
	for i := range all {
		if all[i].kind != isLog {
			continue
		}
		key := text(&all[i])
		if places[key] == nil {
			keys = append(keys, key)
		}
		places[key] = append(places[key], i)
	}
	again := map[int]*repeat{}
	var found []*repeat
	for _, key := range keys {
		for p := places[key]; len(p) > 1; {
			n, every := regular(all, p)
			if n < repeatsLeast || every == 0 {
				p = p[1:]
				continue
			}
			until := all[p[n-1]].at
			at := slices.IndexFunc(found, func(r *repeat) bool {
				return alike(r.every, every) && max(r.until, until)-min(r.until, until) < every/2
			})
			if at < 0 {
				at, found = len(found), append(found, &repeat{every: every, until: until})
			}
			found[at].add(all[p[0]].name(), until)
			for _, i := range p[2:n] {
				again[i] = found[at]
			}
			p = p[n:]
		}
	}
	return again
}

// regular returns how many of the first places have one interval, and that interval.
func regular(all []record, p []int) (n int, every int64) {
	n, every = 2, all[p[1]].at-all[p[0]].at
	for n < len(p) && alike(all[p[n]].at-all[p[n-1]].at, every) {
		n++
	}
	return n, every
}

// add adds a line to the repetition.
func (r *repeat) add(name string, until int64) {
	r.lines++
	r.until = max(r.until, until)
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

// alike returns whether two intervals differ by at most a tenth.
func alike(a, b int64) bool { return max(a, b)-min(a, b) <= min(a, b)/10 }
