package api

import (
	"fmt"
	"html"
	"strings"
)

// A look is the colours of a box. All colours are fixed, because the page that shows the picture
// may be light or dark.
type look struct{ fill, stroke, dash string }

var (
	public   = look{"#dcebfa", "#4a7fb5", ""}
	internal = look{"#ececec", "#8a8a8a", ""}
	outside  = look{"#ffffff", "#8a8a8a", "5 4"}
	stage    = look{"#dcebfa", "#4a7fb5", ""}
	inStep   = look{"#e6f3dc", "#6a9a4a", ""}
)

// svg collects the elements of one picture. Coordinates are whole pixels, so every machine makes
// the same file.
type svg struct {
	strings.Builder
}

func newSVG(width, height int, title string) *svg {
	s := &svg{}
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>%s</title>
<style>
text { font-family: "DejaVu Sans", Verdana, sans-serif; font-size: 13px; fill: #1b1b1b; }
.name { font-weight: bold; }
.note { fill: #444444; }
.line { fill: none; stroke: #444444; stroke-width: 1.5; }
</style>
<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto"><path d="M0,0 L9,4 L0,8 z" fill="#444444"/></marker></defs>
<rect width="%d" height="%d" rx="8" fill="#fdfdfb" stroke="#bbbbbb"/>
`, width, height, width, height, html.EscapeString(title), width, height)
	return s
}

// box draws a box with a name in bold. If note is not empty, it is below the name.
func (s *svg) box(x, y, width, height int, l look, name, note string) {
	fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s" stroke="%s" stroke-dasharray="%s"/>`+"\n",
		x, y, width, height, l.fill, l.stroke, l.dash)
	middle := y + height/2 + 5
	if note != "" {
		s.text(x+width/2, middle+9, "middle", "note", note)
		middle -= 9
	}
	s.text(x+width/2, middle, "middle", "name", name)
}

func (s *svg) text(x, y int, anchor, class, text string) {
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="%s" class="%s">%s</text>`+"\n",
		x, y, anchor, class, html.EscapeString(text))
}

// arrow draws a path in SVG's notation, with an arrowhead at its end.
func (s *svg) arrow(path string) {
	fmt.Fprintf(s, `<path class="line" d="%s" marker-end="url(#head)"/>`+"\n", path)
}

func (s *svg) line(path string) {
	fmt.Fprintf(s, `<path class="line" d="%s"/>`+"\n", path)
}

func (s *svg) end() string {
	s.WriteString("</svg>\n")
	return s.String()
}
