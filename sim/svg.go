package sim

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// These are the measures of a drawing in pixels.
const (
	svgLeft   = 130 // the first lifeline; the times are to its left
	svgColumn = 280 // the distance of two lifelines
	svgTop    = 56
	svgRow    = 17
	svgBreak  = 12 // extra space where the clock jumps by a millisecond; twice that for a second
	svgLetter = 6.7
)

const svgHead = `<style>
text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #222; paint-order: stroke; stroke: #fff; stroke-width: 3px }
line, path { stroke: #667; fill: none }
.life { stroke: #bbc; stroke-width: 2px }
.host { font-weight: bold; font-size: 13px; text-anchor: middle }
.time { fill: #889; font-size: 10px; text-anchor: end }
.pkt { fill: #135 }
.end { text-anchor: end }
.err { fill: #864 }
.note { fill: #555; font-style: italic }
.log { fill: #063; font-weight: bold }
.rule { stroke: #dde; stroke-dasharray: 4 3 }
.bad { fill: #c00 }
line.bad { stroke: #c00; stroke-dasharray: 4 3 }
.fail { fill: #c00; font-weight: bold }
rect { fill: #fff }
rect.fail { fill: #fdd }
circle { fill: #667 }
circle.bad { fill: #c00 }
</style>
<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="9" refY="4" orient="auto"><path d="M0,0.5 L9,4 L0,7.5 z" style="fill:#667;stroke:none"/></marker></defs>
`

// drawing is a sequence diagram under construction.
type drawing struct {
	under, over bytes.Buffer // lines, and the text in front of them
	rows        []drawn
	at          map[*Host]int // x of the lifelines; never iterated
	width       int
	height      int
}

// A drawn is a record and its place.
type drawn struct {
	record
	y int
}

// WriteSVG draws the trace as a sequence diagram. Each host that does something has a lifeline, and
// time runs downwards. An arrow leads from the time at which a packet was sent to the time at which
// it arrived. Calls are beside the lifelines. Faults and failures are red. Each record has its own
// row, with its time beside it. Waits without a result are omitted. The titles of the elements have
// the full texts. For long histories see SVGPages.
func (w *World) WriteSVG(to io.Writer) error {
	d := &drawing{}
	d.place(w.drawable(), 0)
	d.draw(w, "")
	return d.write(to)
}

// drawable returns the records that get a row.
func (w *World) drawable() []record {
	return slices.DeleteFunc(slices.Clone(w.trace.all()), func(r record) bool { return r.idle() || r.kind == isPacket && r.to == r.host })
}

// place assigns rows to the records and columns to the hosts. It returns the number of rows. If
// most is not 0, it places only as many records as fit into that height.
func (d *drawing) place(records []record, most int) int {
	y := svgTop
	last := int64(-1)
	for _, r := range records {
		switch gap := time.Duration(r.at - last); {
		case last < 0:
		case gap >= time.Second:
			y += 2 * svgBreak
		case gap >= time.Millisecond:
			y += svgBreak
		}
		if most > 0 && y+svgRow > most && len(d.rows) > 0 {
			break
		}
		last = r.at
		d.rows = append(d.rows, drawn{r, y})
		y += svgRow
	}
	d.height = y + svgRow
	return len(d.rows)
}

// draw draws the rows. heading is the text in the top left corner.
func (d *drawing) draw(w *World, heading string) {
	seen := map[*Host]bool{}
	for i := range d.rows {
		r := &d.rows[i]
		seen[r.host] = true
		seen[r.to] = r.kind == isPacket || seen[r.to]
	}
	d.at = map[*Host]int{}
	for _, h := range w.hosts {
		if seen[h] {
			x := svgLeft + len(d.at)*svgColumn
			d.at[h] = x
			fmt.Fprintf(&d.under, `<line class="life" x1="%d" y1="%d" x2="%[1]d" y2="%[3]d"/>`+"\n", x, svgTop-16, d.height-8)
			fmt.Fprintf(&d.over, `<text class="host" x="%d" y="%d">%s</text>`+"\n", x, svgTop-26, html.EscapeString(h.name))
		}
	}
	d.width = svgLeft + max(len(d.at), 2)*svgColumn
	if heading != "" {
		fmt.Fprintf(&d.over, `<text x="4" y="14">%s</text>`+"\n", heading)
	}
	last := int64(-1)
	for i := range d.rows {
		r := &d.rows[i]
		if r.at != last {
			d.text("time", svgLeft-14, r.y, stamp(r.at), "")
			last = r.at
		}
		switch r.kind {
		case isWorld:
			d.note(r)
		case isPacket:
			d.arrow(i)
		default:
			d.call(r)
		}
	}
}

func (d *drawing) write(to io.Writer) error {
	_, err := fmt.Fprintf(to, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d">`+"\n%[3]s"+
		`<rect width="%[1]d" height="%[2]d"/>`+"\n%[4]s%[5]s</svg>\n", d.width, d.height, svgHead, d.under.Bytes(), d.over.Bytes())
	return err
}

// text writes one line. If the line is too long, its title has the full text.
func (d *drawing) text(class string, x, y int, text, full string) {
	if full != "" && full != text {
		full = "<title>" + html.EscapeString(full) + "</title>"
	} else {
		full = ""
	}
	fmt.Fprintf(&d.over, `<text class="%s" x="%d" y="%d">%s%s</text>`+"\n", class, x, y+4, html.EscapeString(text), full)
}

// fits shortens a text to the given width.
func fits(text string, width int) string {
	text, _, cut := strings.Cut(text, "\n")
	most := int(float64(width) / svgLetter)
	if n := utf8.RuneCountInString(text); n > most || cut {
		runes := []rune(text)
		text = string(runes[:min(n, max(most-1, 0))]) + "…"
	}
	return text
}

// note draws a note or an event of the world.
func (d *drawing) note(r *drawn) {
	class := "note"
	if r.fails() {
		class = "fail"
		fmt.Fprintf(&d.under, `<rect class="fail" x="%d" y="%d" width="%d" height="%d"/>`+"\n", svgLeft-10, r.y-svgRow/2, d.width-svgLeft, svgRow)
	} else {
		fmt.Fprintf(&d.under, `<line class="rule" x1="%d" y1="%d" x2="%d" y2="%[2]d"/>`+"\n", svgLeft-10, r.y, d.width-20)
	}
	d.text(class, svgLeft+10, r.y, fits(r.text, d.width-svgLeft-20), r.text)
}

// call draws a call with its result, or a fault.
func (d *drawing) call(r *drawn) {
	x := d.at[r.host]
	class, what := "call", strings.TrimPrefix(r.what(), r.host.name+" ")
	switch {
	case r.kind == isFault:
		class, what = "bad", "! "+strings.TrimPrefix(strings.ReplaceAll(r.text, " "+r.host.name+" → ", " → "), r.host.name+" ")
	case r.kind == isLog:
		class = "log"
	case r.e != 0:
		class = "err"
	}
	fmt.Fprintf(&d.over, `<circle class="%s" cx="%d" cy="%d" r="2.5"/>`+"\n", class, x, r.y)
	d.text(class, x+8, r.y, fits(what, svgColumn-16), what)
}

// arrow draws a packet. The arrow begins in the row in which the packet was sent.
func (d *drawing) arrow(i int) {
	r := &d.rows[i]
	from, to, begin := d.at[r.host], d.at[r.to], d.sent(i)
	lost := r.text == "lost"
	label, side, class := to+10, "pkt", ""
	if from < to {
		label, side = to-10, "pkt end"
	}
	end := `marker-end="url(#tip)"`
	if lost {
		class, end = "bad", ""
		to, label = (from+to)/2, (from+to)/2+8
		side = "bad"
	}
	fmt.Fprintf(&d.under, `<line class="%s" x1="%d" y1="%d" x2="%d" y2="%d" %s/>`+"\n", class, from, begin, to, r.y, end)
	text := r.text
	if lost {
		text = "✕ lost"
	}
	d.text(side, label, r.y-5, fits(text, svgColumn-20), r.host.name+" → "+r.to.name+" "+r.text+", sent at "+stamp(r.sent))
}

// sent returns where the arrow of a packet begins: in the row of the call that has sent it, or of
// another step of its host at that time. If there is no such row, the arrow begins between the rows
// before and after that time.
func (d *drawing) sent(i int) int {
	r := &d.rows[i]
	begin := 0
	for j := i - 1; j >= 0; j-- {
		b := &d.rows[j]
		switch {
		case b.at > r.sent:
		case b.at < r.sent && begin == 0:
			return (b.y + d.rows[j+1].y) / 2
		case b.at < r.sent:
			return begin
		case b.kind == isCall && b.host == r.host && (b.c.writes() || b.c == Shutdown || b.c == Close):
			return b.y
		case begin == 0 && (b.host == r.host || b.to == r.host):
			begin = b.y
		}
	}
	if begin == 0 { // the trace has dropped that step
		begin = svgTop - 16
	}
	return begin
}
