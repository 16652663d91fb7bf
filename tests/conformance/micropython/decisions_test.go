//go:build linux

package micropython

import "regexp"

// decisions are the differences that doc/semantics.md explains: what a line of the MicroPython and
// one of the bridge look like.
var decisions = []struct {
	name       string
	want, ours *regexp.Regexp
}{
	{"after an error of a write there may be input", regexp.MustCompile(`^[cs]\.read.* \('OSError', \(32,\)\)$`), regexp.MustCompile(`^[cs]\.read`)},
	{"the same, in a poll", regexp.MustCompile(`^look\([pq]\) \[32\]$`), regexp.MustCompile(`^look\([pq]\) \[\d+\]$`)},
	{"close sends close_notify, so the end comes before the reset", regexp.MustCompile(`^[cs]\.read.* \('OSError', \(104,\)\)$`), regexp.MustCompile(`^[cs]\.read.* b''$`)},
	{"D26: the length of an address must be right", regexp.MustCompile(`^socket\.inet_ntop\(`), regexp.MustCompile(`^socket\.inet_ntop\(.* ValueError$`)},
	{"read() gets a whole datagram", regexp.MustCompile(`^u\.read\(\) `), regexp.MustCompile(`^u\.read\(\) `)},
}

// decision returns the decision that explains why two lines differ, or "".
func decision(want, got string) string {
	for _, d := range decisions {
		if d.want.MatchString(want) && d.ours.MatchString(got) {
			return d.name
		}
	}
	return ""
}
