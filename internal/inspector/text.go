package inspector

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// textRows is how many connections and tasks WriteText writes.
const textRows = 20

// WriteText writes a picture of the loops for people: findings, the loops, listeners, and tasks. It
// also writes the connections that are stuck longest or have the most output waiting. It is for a
// signal handler or a log. It waits for a loop at most 0.3 s.
func WriteText(to io.Writer, loops []*reactor.Reactor) error {
	h := New(Config{Loops: loops})
	now := time.Now()
	for _, l := range h.s.loops {
		l.sample(now)
	}
	h.s.pictures(patience)
	return h.writeText(to)
}

func (h *Inspector) writeText(to io.Writer) error {
	w := bufio.NewWriter(to)
	for i, l := range h.s.loops {
		l.writeText(w, i)
	}
	v, _ := h.conns(url.Values{"n": {itoa(textRows)}})
	conns := v.(*connsPage)
	fmt.Fprintf(w, "%d connections\n", conns.Total)
	for _, c := range conns.Conns {
		fmt.Fprintf(w, "  %s %s: %s; age %s, in %s, out %s, buffered %s", c.ID, c.Peer, strings.Join(c.State, ", "),
			secondsText(c.Age), bytesText(float64(c.In)), bytesText(float64(c.Out)), bytesText(float64(c.Buffered)))
		if c.Why != "" {
			fmt.Fprintf(w, "; %s", c.Why)
		}
		fmt.Fprintln(w)
	}
	tasks := h.tasks()
	fmt.Fprintf(w, "%d tasks\n", tasks.Total)
	for _, t := range tasks.Tasks[:min(len(tasks.Tasks), textRows)] {
		fmt.Fprintf(w, "  %s %s: %s", t.ID, t.Func, t.Waits)
		if t.For > 0 {
			fmt.Fprintf(w, " for %s", secondsText(t.For))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func (l *loop) writeText(w io.Writer, i int) {
	g := l.glance(i)
	row := g.row()
	fmt.Fprintf(w, "loop %d %s: utilization %.1f %% since its start, lag p99 %s, turn p99 %s, %d descriptors, %d posts wait, %s buffered\n",
		i, row.State, 100*row.Utilization, secondsText(row.Lag), secondsText(row.Turn), row.Watched, row.Posted, bytesText(float64(row.Buffered)))
	for _, f := range g.findings() {
		fmt.Fprintf(w, "  %s: %s. %s\n", f.Level, f.Title, f.Text)
		if f.Stack != "" {
			fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(f.Stack, "\n", "\n    "))
		}
	}
	if g.pic == nil {
		return
	}
	var o overviewPage
	o.add(i, g.pic)
	for _, l := range o.Listeners {
		fmt.Fprintf(w, "  listener %s: %s, %d connections\n", l.Addr, l.State, l.Conns)
	}
	for _, c := range o.Packets {
		fmt.Fprintf(w, "  datagrams at %s: %s, %d wait to be sent\n", c.Addr, c.State, c.Queued)
	}
	for _, t := range o.Timers {
		fmt.Fprintf(w, "  %d timers: %s, the first in %s\n", t.N, t.Func, secondsText(t.First))
	}
}
