package inspector

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
)

// stuckAfter is the time in seconds after which a peer that accepts nothing counts as stuck.
const stuckAfter = 3.0 // in seconds

// why returns the reason why a Conn is stuck, or "" if it is not stuck.
func why(c *inside.Conn, row *connRow) string {
	is := func(s inside.State) bool { return c.State&s != 0 }
	switch {
	case is(inside.Dialling):
		return "waits for the connect" + untilText(row.GiveUp)
	case is(inside.Opening):
		return "waits for the peer's part of the handshake"
	case is(inside.Broken):
		return fmt.Sprintf("output has failed (%s); input is read to its end", clean(fmt.Sprint(c.Failure)))
	case is(inside.Closing) && is(inside.Blocked):
		return "closing: " + blocked(c, row) + untilText(row.GiveUp)
	case is(inside.Closing):
		return "closing: waits for the peer's FIN" + untilText(row.GiveUp)
	case is(inside.Blocked):
		text := blocked(c, row)
		if is(inside.BackPressured) {
			text += fmt.Sprintf("; not read until at most %s wait", bytesText(float64(c.Low)))
		}
		return text
	case is(inside.BackPressured):
		return fmt.Sprintf("not read until at most %s of output wait", bytesText(float64(c.Low)))
	case is(inside.Paused):
		return "not read: the program has called Pause"
	case is(inside.Waiting):
		return "has more input than one turn reads"
	}
	return ""
}

// blocked describes the pending output: how much, where, and for how long.
func blocked(c *inside.Conn, row *connRow) string {
	text := "the peer does not read"
	if row.Stuck < stuckAfter {
		text = "the peer reads slowly"
	}
	text += fmt.Sprintf(": for %s its side has accepted nothing; %s wait here", secondsText(row.Stuck), bytesText(float64(c.Buffered)))
	if c.Unsent > 0 {
		text += fmt.Sprintf(" and %s in the kernel", bytesText(float64(c.Unsent)))
	}
	return text
}

func untilText(left *float64) string {
	if left == nil {
		return ""
	}
	return "; gives up in " + secondsText(*left)
}

// A finding is a fact that needs attention.
type finding struct {
	Level string `json:"level"` // "problem" or "warning"
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	Stack string `json:"stack,omitempty"`
	Link  string `json:"link,omitempty"` // a page with more information
}

// named is how many stuck peers a finding names at most.
const named = 5

// findings returns the findings about one loop. The worst one is first.
func (g *glance) findings() (list []finding) {
	add := func(level, title, text, stack, link string) {
		list = append(list, finding{level, title, text, stack, link})
	}
	loop := fmt.Sprintf("loop %d", g.loop)
	if g.hang > 0 {
		add("problem", fmt.Sprintf("%s hangs: its present turn has run for %s", loop, secondsText(g.hang.Seconds())),
			"Nothing is read, sent or accepted meanwhile. The stack shows where it is.", g.stack, fmt.Sprintf("loop?id=%d", g.loop))
	}
	if g.pic != nil {
		list = append(list, g.pic.findings(g.loop)...)
	}
	if u := g.now.span.Utilization(); u > 0.9 {
		add("warning", fmt.Sprintf("%s is busy: utilization %.0f %%", loop, 100*u), "It has hardly any time left.", "", "")
	}
	if len(g.slow) > 0 {
		last := g.slow[len(g.slow)-1]
		if age := g.now.at.Sub(last.Time).Seconds(); age < 60 {
			add("warning", fmt.Sprintf("%s: a callback took %s, %s ago", loop, secondsText(last.Took.Seconds()), secondsText(age)),
				"", "", "events")
		}
	}
	return list
}

// filesFindings warns before the process has no free descriptors.
func filesFindings(open, allowed int) []finding {
	if open < 0 || open < allowed-allowed/10 {
		return nil
	}
	return []finding{{"warning", fmt.Sprintf("the process has %d of %d descriptors", open, allowed),
		"Without descriptors nothing is accepted, dialled or looked up. Raise the limit (ulimit -n).", "", ""}}
}

// suspendedText returns the reason for which a listener is suspended, and what to do.
func suspendedText(cause kernel.Errno) string {
	text := "It tries again ten times a second. What connects meanwhile waits in the backlog."
	switch cause {
	case kernel.EMFILE:
		text += " The process has as many descriptors as it may: raise the limit (ulimit -n), or set WithMaxConns below it."
	case kernel.ENFILE:
		text += " The system has no descriptors left, for any process."
	case kernel.ENOMEM, kernel.ENOBUFS:
		text += " The system has no memory left for sockets."
	}
	return text
}

func (p *picture) findings(loop int) (list []finding) {
	for _, l := range p.Listeners {
		addr := clean(l.Addr)
		switch {
		case l.Suspended:
			list = append(list, finding{"problem", fmt.Sprintf("the listener at %s does not accept: %v", addr, l.Cause),
				suspendedText(l.Cause), "", ""})
		case l.Full:
			list = append(list, finding{"warning", fmt.Sprintf("the listener at %s is full: %d connections are open", addr, l.Conns),
				"More wait in the backlog until one of them has closed.", "", ""})
		case l.Paused:
			list = append(list, finding{"warning", fmt.Sprintf("the listener at %s is paused", addr), "The program, or an operator, has paused it.", "", ""})
		}
	}
	var stuck []*connRow
	for _, c := range p.conns(loop) {
		if c.Stuck >= stuckAfter {
			stuck = append(stuck, c)
		}
	}
	slices.SortFunc(stuck, func(a, b *connRow) int { return cmp.Compare(b.Stuck, a.Stuck) })
	for _, c := range stuck[:min(len(stuck), named)] {
		list = append(list, finding{"problem", fmt.Sprintf("%s is stuck", c.Peer), c.Why, "", "conn?id=" + c.ID})
	}
	if len(stuck) > named {
		list = append(list, finding{"problem", fmt.Sprintf("%d more peers on loop %d are stuck", len(stuck)-named, loop), "", "",
			"conns?sort=stuck"})
	}
	return list
}
