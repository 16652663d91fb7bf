package inspector

import (
	"html"
	"strconv"
	"strings"
)

// A page is an HTML page under construction. All its methods except raw escape their texts.
type page struct {
	h    *Inspector
	name string
	b    []byte
}

// raw adds HTML that was written in this package.
func (p *page) raw(s string) { p.b = append(p.b, s...) }

// text adds an escaped text. A query may contain bytes that are not UTF-8.
func (p *page) text(s string) {
	p.b = append(p.b, html.EscapeString(strings.ToValidUTF8(s, "\ufffd"))...)
}

// tag adds an element that contains a text.
func (p *page) tag(name, text string) {
	p.raw("<" + name + ">")
	p.text(text)
	p.raw("</" + name + ">")
}

// link adds a link.
func (p *page) link(to, text string) {
	p.raw(`<a href="`)
	p.text(to)
	p.raw(`">`)
	p.text(text)
	p.raw("</a>")
}

// pages lists the entries of the menu.
var pages = [][2]string{{"", "Loops"}, {"conns", "Connections"}, {"tasks", "Tasks"}, {"events", "Events"}}

// whole adds a whole page: the view and everything around it.
func (p *page) whole(v view) {
	p.raw(`<!doctype html><html lang="en"><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<meta name="color-scheme" content="light dark"><title>`)
	p.text(v.title() + " · ureactor")
	p.raw(`</title><link rel="stylesheet" href="style.css"><link rel="icon" href="data:,">` +
		`<script src="script.js" defer></script>` +
		`<noscript><meta http-equiv="refresh" content="10"></noscript></head><body><header><nav>`)
	for _, e := range pages {
		to := e[0]
		if to == "" {
			to = "./"
		}
		if e[0] == p.name {
			p.raw(`<b>`)
			p.link(to, e[1])
			p.raw(`</b> `)
		} else {
			p.link(to, e[1])
			p.raw(" ")
		}
	}
	p.raw(`</nav><span id="live"></span></header>`)
	if f, ok := v.(interface{ form(p *page) }); ok {
		f.form(p)
	}
	p.raw(`<main>`)
	v.write(p)
	p.raw(`</main></body></html>`)
}

// A column is a column of a table with rows of type T. T is a pointer type, because the compiler
// makes only one copy of the code for all pointer types.
type column[T any] struct {
	key   string // the key for sorting; "": this column cannot be sorted
	title string
	class string // "n": a number; "w": only on wide screens
	write func(p *page, row T)
}

// table adds a table. head adds the title of a column. If head is nil, the title is a plain text.
func table[T any](p *page, columns []column[T], rows []T, head func(c *column[T])) {
	p.raw(`<div class="scroll"><table><thead><tr>`)
	for i := range columns {
		p.cell("th", columns[i].class)
		if head == nil {
			p.text(columns[i].title)
		} else {
			head(&columns[i])
		}
		p.raw("</th>")
	}
	p.raw("</tr></thead><tbody>")
	for i := range rows {
		p.raw("<tr>")
		for j := range columns {
			p.cell("td", columns[j].class)
			columns[j].write(p, rows[i])
			p.raw("</td>")
		}
		p.raw("</tr>")
	}
	p.raw("</tbody></table></div>")
}

func (p *page) cell(tag, class string) {
	p.raw("<" + tag)
	if class != "" {
		p.raw(` class="` + class + `"`)
	}
	p.raw(">")
}

// list adds a list of names and their values.
func (p *page) list(pairs ...string) {
	p.raw("<dl>")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.tag("dt", pairs[i])
			p.tag("dd", pairs[i+1])
		}
	}
	p.raw("</dl>")
}

// stack adds a stack that a click opens. The id keeps it open when the script replaces the page.
func (p *page) stack(id, stack string) {
	if stack == "" {
		return
	}
	p.raw(`<details id="`)
	p.text(id)
	p.raw(`"><summary>stack</summary><pre>`)
	p.text(stack)
	p.raw("</pre></details>")
}

// action adds a form for an action, if actions are enabled.
func (p *page) action(name, target, label string) {
	if p.h.Token == "" {
		return
	}
	p.raw(`<form method="post" action="do"><input type="hidden" name="action" value="`)
	p.text(name)
	p.raw(`"><input type="hidden" name="id" value="`)
	p.text(target)
	p.raw(`"><input type="password" name="token" placeholder="token" required autocomplete="current-password"> <button>`)
	p.text(label)
	p.raw(`</button></form>`)
}

func itoa(n int) string { return strconv.Itoa(n) }
