package inspector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
)

// eventsPage is the page of the latest events on all loops. The latest event is first.
type eventsPage struct {
	Slow   []*slowRow `json:"slow"`
	Log    []*lineRow `json:"log"`
	Ends   []*lineRow `json:"ends"`
	Slows  uint64     `json:"slow_total"`
	Failed uint64     `json:"ends_total"`
}

// slowRow is a callback that has taken at least the time of reactor.WithSlowCallback.
type slowRow struct {
	Time  time.Time `json:"time"`
	Loop  int       `json:"loop"`
	Took  float64   `json:"took"` // in seconds
	FD    int       `json:"fd"`   // -1: no descriptor belongs to it
	Peer  string    `json:"peer,omitempty"`
	Stack string    `json:"stack,omitempty"`
}

// lineRow is a warning, or the end of a connection with an error.
type lineRow struct {
	Time time.Time `json:"time"`
	Loop int       `json:"loop"`
	Peer string    `json:"peer,omitempty"`
	Text string    `json:"text"`
}

func (h *Inspector) events() *eventsPage {
	v := &eventsPage{Slow: []*slowRow{}, Log: []*lineRow{}, Ends: []*lineRow{}}
	for i, l := range h.s.loops {
		r := inside.Inspected(l.r).Recent()
		v.Slows += r.Slows
		v.Failed += r.Failed
		for _, s := range r.Slow {
			v.Slow = append(v.Slow, &slowRow{s.Time, i, s.Took.Seconds(), s.FD, addrText(s.Peer), s.Stack})
		}
		for _, e := range r.Log {
			v.Log = append(v.Log, &lineRow{Time: e.Time, Loop: i, Text: clean(e.Text)})
		}
		for _, e := range r.Ends {
			peer := addrText(e.Peer)
			if e.Text != "" {
				peer = clean(e.Text)
			}
			v.Ends = append(v.Ends, &lineRow{e.Time, i, peer, clean(fmt.Sprint(e.Err))})
		}
	}
	slices.SortStableFunc(v.Slow, func(a, b *slowRow) int { return b.Time.Compare(a.Time) })
	for _, list := range [][]*lineRow{v.Log, v.Ends} {
		slices.SortStableFunc(list, func(a, b *lineRow) int { return b.Time.Compare(a.Time) })
	}
	return v
}

func (v *eventsPage) title() string { return "Events" }

func (v *eventsPage) write(p *page) {
	p.raw("<h2>Slow callbacks</h2>")
	p.tag("p", fmt.Sprintf("%d in all. reactor.WithSlowCallback sets from which length on they are noted.", v.Slows))
	if len(v.Slow) > 0 {
		table(p, slowColumns, v.Slow, nil)
	}
	p.raw("<h2>Warnings</h2>")
	if len(v.Log) > 0 {
		table(p, lineColumns, v.Log, nil)
	} else {
		p.raw("<p>None.</p>")
	}
	p.raw("<h2>Connections that ended with an error</h2>")
	p.tag("p", fmt.Sprintf("%d in all.", v.Failed))
	if len(v.Ends) > 0 {
		table(p, lineColumns, v.Ends, nil)
	}
}

func timeText(t time.Time) string { return t.Format("15:04:05.000") }

var slowColumns = []column[*slowRow]{
	textual("", "time", func(s *slowRow) string { return timeText(s.Time) }),
	number("", "loop", func(s *slowRow) string { return itoa(s.Loop) }),
	number("", "took", func(s *slowRow) string { return secondsText(s.Took) }),
	number("", "descriptor", func(s *slowRow) string { return orDash(s.FD, -1) }),
	textual("", "peer", func(s *slowRow) string { return s.Peer }),
	{"", "where it was", "", func(p *page, s *slowRow) {
		p.text(culprit(s.Stack))
		p.stack("s"+itoa(s.Loop)+"-"+itoa(int(s.Time.UnixNano()%1e15)), s.Stack)
	}},
}

var lineColumns = []column[*lineRow]{
	textual("", "time", func(l *lineRow) string { return timeText(l.Time) }),
	number("", "loop", func(l *lineRow) string { return itoa(l.Loop) }),
	textual("", "peer", func(l *lineRow) string { return l.Peer }),
	textual("", "text", func(l *lineRow) string { return l.Text }),
}

// culprit returns the innermost function of a stack that belongs neither to the Go runtime nor to
// this module, or "" if there is none. That function is the most likely cause.
func culprit(stack string) string {
	for _, line := range strings.Split(stack, "\n") {
		call, _, ok := strings.Cut(line, "(0x")
		if !ok {
			call, _, ok = strings.Cut(line, "({")
		}
		if !ok {
			call, ok = strings.CutSuffix(line, "(...)")
		}
		if !ok {
			call, ok = strings.CutSuffix(line, "()")
		}
		name := shortFunc(call)
		if !ok || strings.HasPrefix(call, " ") || !strings.Contains(name, ".") {
			continue
		}
		library := false
		for _, p := range []string{"runtime.", "time.", "sync.", "syscall.", "poll.", "os.", "unix.", "atomic.", "net."} {
			library = library || strings.HasPrefix(name, p)
		}
		if !library {
			return name
		}
	}
	return ""
}

// loopView is the page of one loop.
type loopView struct {
	loopRow
	Stack string `json:"stack"`

	charts [3][]float64
}

func (h *Inspector) loop(id string) (view, error) {
	for i, l := range h.s.loops {
		if itoa(i) == id {
			g := l.glance(i)
			v := &loopView{loopRow: g.row(), charts: g.charts, Stack: g.stack}
			if g.hang == 0 {
				v.Stack = l.stack(time.Time{})
			}
			return v, nil
		}
	}
	return nil, notFound("there is no such loop")
}

func (v *loopView) title() string { return "Loop " + itoa(v.Loop) }

func (v *loopView) write(p *page) {
	p.charts(&v.loopRow, &v.charts)
	table(p, loopColumns, []*loopRow{&v.loopRow}, nil)
	p.raw("<h2>What it does now</h2>")
	if v.Stack == "" {
		p.raw("<p>It sleeps, or nobody runs it.</p>")
		return
	}
	p.tag("pre", v.Stack)
}
