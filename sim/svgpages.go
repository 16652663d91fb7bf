package sim

import (
	"bytes"
	"fmt"
)

// svgPage is the maximum height of a page in pixels, about 80 rows.
const svgPage = 1500

// An SVGPage is a part of the drawing of a long history.
type SVGPage struct {
	SVG    []byte
	Faults int  // how many faults the page shows
	Fails  bool // the page shows the failure
}

// SVGPages draws the trace as WriteSVG does, in pages with a height of at most 1,500 pixels. Each
// page has the hosts that do something on it. The arrow of a packet from an earlier page begins at
// the top.
func (w *World) SVGPages() (pages []SVGPage) {
	var drawings []*drawing
	for rest := w.drawable(); len(rest) > 0; {
		d := &drawing{}
		rest = rest[d.place(rest, svgPage):]
		drawings = append(drawings, d)
	}
	faults := map[int]bool{}
	for _, m := range w.marks {
		faults[m.at] = true
	}
	for i, d := range drawings {
		d.draw(w, fmt.Sprintf("page %d of %d", i+1, len(drawings)))
		var p SVGPage
		for j := range d.rows {
			p.Fails = p.Fails || d.rows[j].fails()
			if faults[d.rows[j].seq] {
				p.Faults++
			}
		}
		var b bytes.Buffer
		_ = d.write(&b) // a Buffer returns no errors
		p.SVG = b.Bytes()
		pages = append(pages, p)
	}
	return pages
}
