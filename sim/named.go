package sim

import (
	"io"
	"net/netip"
	"strings"
)

// WriteNamed looks for addresses of connections in text, which may be an error that contains
// "10.0.1.12:33174". It writes the calls on both ends of these connections, from connect and accept
// to close. It writes nothing if Options.Trace has stored no such calls. If there are more than
// most lines, it writes only the first and the last ones.
func (w *World) WriteNamed(to io.Writer, text string, most int) error {
	all := w.trace.all()
	var found []int
	open := map[end]bool{}
	for i := range all {
		r := &all[i]
		switch {
		case r.kind != isCall:
		case r.c == Connect && r.names(text):
			open[end{r.host, r.fd}] = true
			found = append(found, i)
		case r.c == Accept && r.e == 0 && r.names(text):
			open[end{r.host, r.res}] = true
			found = append(found, i)
		case open[end{r.host, r.fd}]:
			found = append(found, i)
			if r.c == Close {
				delete(open, end{r.host, r.fd})
			}
		}
	}
	x := excerpt{all: all, shown: map[int]bool{}, own: map[int]bool{}}
	for n, i := range found {
		if x.own[i] = true; n < most/2 || n >= len(found)-(most-most/2) {
			x.shown[i] = true
		}
	}
	return x.write(to)
}

// An end is one descriptor of a connection.
type end struct {
	h  *Host
	fd int
}

// names returns whether an address of the call's connection is in the text. The address of a
// listener does not count, because many connections have it.
func (r *record) names(text string) bool {
	local, remote, ok := strings.Cut(r.text, " → ")
	if !ok {
		return false
	}
	if r.c == Accept {
		local = remote
	}
	_, err := netip.ParseAddrPort(local)
	for rest := text; err == nil; {
		_, after, is := strings.Cut(rest, local)
		if !is {
			return false
		}
		if after == "" || after[0] < '0' || after[0] > '9' {
			return true
		}
		rest = after
	}
	return false
}
