package inspector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ureactor/ureactor/internal/inside"
)

// overviewPage is the page of the loops. Times are in seconds.
type overviewPage struct {
	Findings  []finding      `json:"findings"`
	Loops     []*loopRow     `json:"loops"`
	Listeners []*listenerRow `json:"listeners"`
	Packets   []*packetRow   `json:"packets"`
	Timers    []*timersRow   `json:"timers"`
	Open      int            `json:"open"` // descriptors of the process; -1: unknown
	Allowed   int            `json:"allowed"`
	LogLevel  string         `json:"log_level,omitempty"`

	charts [][3][]float64
}

// loopRow contains the figures of one loop for the last second.
type loopRow struct {
	Loop        int     `json:"loop"`
	State       string  `json:"state"`
	Utilization float64 `json:"utilization"`
	Lag         float64 `json:"lag"`  // 99 % of the timers were late by at most this
	Turn        float64 `json:"turn"` // 99 % of the turns took at most this
	Present     float64 `json:"present"`
	Longest     float64 `json:"longest"` // the longest turn of the last 10 to 20 seconds
	// Callback is the callback that probably took longest in that turn.
	Callback  string  `json:"callback,omitempty"`
	Turns     float64 `json:"turns_per_second"`
	In        float64 `json:"in_per_second"`
	Out       float64 `json:"out_per_second"`
	Accepted  float64 `json:"accepted_per_second"`
	Conns     int     `json:"conns"`
	Tasks     int     `json:"tasks"`
	Timers    int     `json:"timers"`
	Posted    int     `json:"posted"`
	Buffered  int     `json:"buffered"`
	Unsent    float64 `json:"unsent"` // age of the oldest byte that the kernel has refused
	Throttled int     `json:"throttled"`
	Watched   int     `json:"descriptors"`
	Pictured  float64 `json:"pictured"` // the age of the lists; -1: there are none
}

// listenerRow describes a listening socket.
type listenerRow struct {
	ID       string `json:"id"`
	Loop     int    `json:"loop"`
	Addr     string `json:"addr"`
	State    string `json:"state"`
	Conns    int    `json:"conns"`
	MaxConns int    `json:"max_conns,omitempty"`
	Waiting  int    `json:"waiting"` // in the backlog; -1: unknown
	Backlog  int    `json:"backlog"`

	paused bool
}

// packetRow describes a datagram socket.
type packetRow struct {
	Loop    int    `json:"loop"`
	Addr    string `json:"addr"`
	Handler string `json:"handler"`
	State   string `json:"state"`
	Queued  int    `json:"queued"`
}

// timersRow describes the armed timers that call the same function.
type timersRow struct {
	Loop  int     `json:"loop"`
	Func  string  `json:"func"`
	N     int     `json:"n"`
	First float64 `json:"first"` // time until the first of them; Last: until the last
	Last  float64 `json:"last"`
}

func (h *Inspector) overview() *overviewPage {
	o := &overviewPage{Findings: []finding{}, Listeners: []*listenerRow{}, Packets: []*packetRow{}, Timers: []*timersRow{}}
	if h.Level != nil {
		if text, err := h.Level.MarshalText(); err == nil {
			o.LogLevel = clean(string(text))
		}
	}
	o.Open, o.Allowed = h.s.loops[0].r.Files()
	o.Open = min(o.Open, o.Allowed) // counting opens a descriptor itself
	o.Findings = append(o.Findings, filesFindings(o.Open, o.Allowed)...)
	for i, l := range h.s.loops {
		g := l.glance(i)
		row := g.row()
		o.Findings = append(o.Findings, g.findings()...)
		o.Loops, o.charts = append(o.Loops, &row), append(o.charts, g.charts)
		if g.pic != nil {
			o.add(i, g.pic)
		}
	}
	slices.SortStableFunc(o.Findings, func(a, b finding) int {
		return strings.Compare(a.Level, b.Level) // problems are first
	})
	return o
}

// row returns the row of the loop.
func (g *glance) row() (row loopRow) {
	n := &g.now
	row = loopRow{
		Loop: g.loop, State: "runs", Utilization: n.span.Utilization(), Lag: n.span.Lag.Quantile(0.99).Seconds(),
		Turn: n.span.Turns.Quantile(0.99).Seconds(), Present: g.hang.Seconds(),
		Turns: n.rates.turns, In: n.rates.in, Out: n.rates.out, Accepted: n.rates.accepted,
		Conns: n.stats.Conns, Tasks: n.stats.Tasks, Timers: n.stats.Timed, Posted: n.stats.Posted,
		Buffered: n.stats.Buffered, Unsent: n.load.Unsent.Seconds(), Throttled: n.stats.Throttled,
		Watched: n.stats.Watched, Pictured: -1,
		Longest: n.load.Recent.Took.Seconds(), Callback: clean(n.load.Recent.Callback),
	}
	switch {
	case g.hang > 0:
		row.State = "hangs for " + secondsText(g.hang.Seconds())
	case g.ended:
		row.State = "has ended"
	case g.pic == nil:
		row.State = "does not turn"
	case g.pic.Draining:
		row.State = "drains"
	}
	if g.pic != nil {
		row.Pictured = max(0, n.at.Sub(g.pic.Time).Seconds())
	}
	return row
}

func (o *overviewPage) add(i int, p *picture) {
	for _, l := range p.Listeners {
		row := &listenerRow{ID: idText(i, l.ID), Loop: i, Addr: clean(l.Addr), State: "accepts", Conns: l.Conns, MaxConns: l.MaxConns,
			Waiting: l.Waiting, Backlog: l.Backlog, paused: l.Paused}
		switch {
		case l.Paused:
			row.State = "paused"
		case l.Suspended:
			row.State = fmt.Sprintf("suspended: %v", l.Cause)
		case l.Full:
			row.State = "full"
		}
		o.Listeners = append(o.Listeners, row)
	}
	for _, c := range p.Packets {
		row := &packetRow{Loop: i, Addr: clean(c.Addr), Handler: clean(c.Handler), State: "receives", Queued: c.Queued}
		switch {
		case c.Suspended:
			row.State = "suspended after an error"
		case c.Blocked:
			row.State = "the kernel accepts no more"
		}
		o.Packets = append(o.Packets, row)
	}
	for _, t := range p.Timers {
		o.Timers = append(o.Timers, &timersRow{i, timerText(t), t.N, *p.left(t.First), *p.left(t.Last)})
	}
}

// timerText describes the owner of the timers.
func timerText(t inside.Timers) string {
	switch name := shortFunc(t.Func); name {
	case "reactor.(*Conn).due-fm":
		return "deadlines of connections"
	case "reactor.(*Task).timerFired-fm":
		return "tasks that sleep or wait with a deadline"
	case "reactor.(*Conn).dialTimedOut-fm":
		return "dials"
	default:
		return clean(name)
	}
}
