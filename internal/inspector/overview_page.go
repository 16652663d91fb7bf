package inspector

func (o *overviewPage) title() string { return "Loops" }

func (o *overviewPage) write(p *page) {
	if len(o.Findings) == 0 {
		p.raw(`<p class="ok">Nothing needs attention.</p>`)
	}
	for _, f := range o.Findings {
		p.finding(&f)
	}
	p.raw("<h2>Loops</h2>")
	for i := range o.Loops {
		p.charts(o.Loops[i], &o.charts[i])
	}
	table(p, loopColumns, o.Loops, nil)
	if o.Open >= 0 {
		p.tag("p", "The process has "+itoa(o.Open)+" of "+itoa(o.Allowed)+" descriptors.")
	}
	if len(o.Listeners) > 0 {
		p.raw("<h2>Listeners</h2>")
		table(p, listenerColumns, o.Listeners, nil)
	}
	if len(o.Packets) > 0 {
		p.raw("<h2>Datagram sockets</h2>")
		table(p, packetColumns, o.Packets, nil)
	}
	if len(o.Timers) > 0 {
		p.raw("<h2>Timers</h2>")
		table(p, timerColumns, o.Timers, nil)
	}
	if o.LogLevel != "" {
		p.raw("<h2>Log</h2><p>level ")
		p.tag("b", o.LogLevel)
		p.raw("</p>")
		for _, level := range []string{"debug", "info", "warn", "error"} {
			p.action("level", level, level)
		}
	}
}

func (p *page) finding(f *finding) {
	p.raw(`<section class="` + f.Level + `">`)
	p.tag("b", f.Title)
	if f.Text != "" {
		p.tag("p", f.Text)
	}
	if f.Link != "" {
		p.raw("<p>")
		p.link(f.Link, "more")
		p.raw("</p>")
	}
	if f.Stack != "" {
		p.tag("pre", f.Stack)
	}
	p.raw("</section>")
}

// charts adds the charts of a loop.
func (p *page) charts(l *loopRow, c *[3][]float64) {
	p.raw(`<div class="charts"><h3>`)
	p.link("loop?id="+itoa(l.Loop), "loop "+itoa(l.Loop))
	p.raw("</h3>")
	p.chart("utilization", itoa(int(100*l.Utilization+0.5))+" %", c[0], 1)
	p.chart("lag", secondsText(max(l.Lag, l.Present)), c[1], 0.001)
	p.chart("traffic", bytesText(l.In+l.Out)+"/s", c[2], 1024)
	p.raw("</div>")
}

func number[T any](key, title string, text func(row T) string) column[T] {
	return column[T]{key, title, "n", func(p *page, row T) { p.text(text(row)) }}
}

func textual[T any](key, title string, text func(row T) string) column[T] {
	return column[T]{key, title, "", func(p *page, row T) { p.text(text(row)) }}
}

var loopColumns = []column[*loopRow]{
	{"", "loop", "n", func(p *page, l *loopRow) { p.link("loop?id="+itoa(l.Loop), itoa(l.Loop)) }},
	textual("", "state", func(l *loopRow) string { return l.State }),
	number("", "utilization", func(l *loopRow) string { return itoa(int(100*l.Utilization+0.5)) + " %" }),
	number("", "lag p99", func(l *loopRow) string { return secondsText(l.Lag) }),
	number("", "turn p99", func(l *loopRow) string { return secondsText(l.Turn) }),
	{"", "longest turn", "", func(p *page, l *loopRow) {
		if l.Longest > 0 {
			p.text(secondsText(l.Longest))
			p.tag("small", shortFunc(l.Callback))
		}
	}},
	number("", "turns/s", func(l *loopRow) string { return countText(l.Turns) }),
	number("", "in/s", func(l *loopRow) string { return bytesText(l.In) }),
	number("", "out/s", func(l *loopRow) string { return bytesText(l.Out) }),
	number("", "accepts/s", func(l *loopRow) string { return countText(l.Accepted) }),
	number("", "conns", func(l *loopRow) string { return itoa(l.Conns) }),
	number("", "tasks", func(l *loopRow) string { return itoa(l.Tasks) }),
	number("", "timers", func(l *loopRow) string { return itoa(l.Timers) }),
	number("", "posts", func(l *loopRow) string { return itoa(l.Posted) }),
	number("", "buffered", func(l *loopRow) string { return bytesText(float64(l.Buffered)) }),
	number("", "oldest unsent", func(l *loopRow) string { return secondsText(l.Unsent) }),
	number("", "back-pressure", func(l *loopRow) string { return itoa(l.Throttled) }),
	number("", "files", func(l *loopRow) string { return itoa(l.Watched) }),
}

var listenerColumns = []column[*listenerRow]{
	number("", "loop", func(l *listenerRow) string { return itoa(l.Loop) }),
	textual("", "address", func(l *listenerRow) string { return l.Addr }),
	textual("", "state", func(l *listenerRow) string { return l.State }),
	number("", "open", func(l *listenerRow) string { return itoa(l.Conns) }),
	number("", "at most", func(l *listenerRow) string { return orDash(l.MaxConns, 0) }),
	number("", "waiting", func(l *listenerRow) string { return orDash(l.Waiting, -1) }),
	number("", "backlog", func(l *listenerRow) string { return itoa(l.Backlog) }),
	{"", "", "", func(p *page, l *listenerRow) {
		if l.paused {
			p.action("resume", l.ID, "resume")
		} else {
			p.action("pause", l.ID, "pause")
		}
	}},
}

var packetColumns = []column[*packetRow]{
	number("", "loop", func(c *packetRow) string { return itoa(c.Loop) }),
	textual("", "address", func(c *packetRow) string { return c.Addr }),
	textual("", "state", func(c *packetRow) string { return c.State }),
	number("", "waiting to be sent", func(c *packetRow) string { return itoa(c.Queued) }),
	textual("", "handler", func(c *packetRow) string { return c.Handler }),
}

var timerColumns = []column[*timersRow]{
	number("", "loop", func(t *timersRow) string { return itoa(t.Loop) }),
	textual("", "function", func(t *timersRow) string { return t.Func }),
	number("", "armed", func(t *timersRow) string { return itoa(t.N) }),
	number("", "first in", func(t *timersRow) string { return secondsText(t.First) }),
	number("", "last in", func(t *timersRow) string { return secondsText(t.Last) }),
}

// orDash formats n. If n equals none, the result is a dash.
func orDash(n, none int) string {
	if n == none {
		return "–"
	}
	return itoa(n)
}
