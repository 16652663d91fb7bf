package sim

import (
	"errors"
	"slices"
	"strings"
)

// manner returns how a run has failed: the first line of its error without numbers. All Deadlocks
// have the same first line, and so have all Livelocks. So the names of the programs that wait
// follow, each name once, because a smaller run may have fewer programs of a kind.
func manner(err error) string {
	text := err.Error()
	if f, ok := err.(*Failure); ok {
		text = f.Err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	var dead *Deadlock
	var live *Livelock
	var waiting []string
	if errors.As(err, &dead) {
		waiting = dead.Waiting
	} else if errors.As(err, &live) {
		waiting = live.Waiting
	}
	var names []string
	for _, line := range waiting {
		name, _, _ := strings.Cut(line, ": ")
		names = append(names, withoutNumbers(name))
	}
	slices.Sort(names)
	return withoutNumbers(text) + " " + strings.Join(slices.Compact(names), " ")
}

// withoutNumbers replaces each number by #. A list of numbers counts as one number.
func withoutNumbers(text string) string {
	var b strings.Builder
	digit := false
	for _, c := range text {
		is := c >= '0' && c <= '9'
		if !is {
			b.WriteRune(c)
		} else if !digit {
			b.WriteByte('#')
		}
		digit = is
	}
	text = b.String()
	for strings.Contains(text, "# #") {
		text = strings.ReplaceAll(text, "# #", "#")
	}
	return text
}
