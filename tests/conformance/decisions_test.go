//go:build linux

package conformance

import "regexp"

// decisions are the differences that doc/semantics.md explains. Each has a pattern for
// MicroPython's line and a pattern for the bridge's line.
var decisions = []struct {
	kind       string
	name       string
	want, ours *regexp.Regexp
}{
	{"tls", "after an error of a write there may be input", like(`[cs]\.read.* \('OSError', \(32,\)\)`), like(`[cs]\.read.*`)},
	{"tls", "the same, in a poll", like(`look\([pq]\) \[32\]`), like(`look\([pq]\) \[\d+\]`)},
	{"tls", "the bytes before a reset are returned, and close_notify is", like(`[cs]\.read.* \('OSError', \(104,\)\)`), like(`[cs]\.read.*`)},
	{"tls", "a Poll decrypts, so a later Close leaves nothing unread and causes no reset",
		like(`[cs]\.write.* \('OSError', \(104,\)\)`), like(`[cs]\.write.* (\d+|\('OSError', \(32,\)\))`)},
	{"tls", "the same, in a poll", like(`look\([pq]\) \[29\]`), like(`look\([pq]\) \[5\]`)},
	{"tls", "a write of several records meets the reset that the first one causes",
		like(`[cs]\.write\(b"z" .* \d+`), like(`[cs]\.write.* \('OSError', \(32,\)\)`)},
	{"arguments", "D26: the length of an address must be right", like(`socket\.inet_ntop\(.*`), like(`socket\.inet_ntop\(.* ValueError`)},
	{"calls", "ReadAll returns a whole datagram", like(`u\.read\(\) .*`), like(`u\.read\(\) .*`)},
}

func like(line string) *regexp.Regexp { return regexp.MustCompile("^" + line + "$") }

// decision returns the decision that explains why two lines of output differ, or "" if there is
// none.
func decision(kind, want, got string) string {
	for _, d := range decisions {
		if d.kind == kind && d.want.MatchString(want) && d.ours.MatchString(got) {
			return d.name
		}
	}
	return ""
}
