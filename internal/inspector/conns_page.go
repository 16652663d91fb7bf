package inspector

import (
	"fmt"
	"net/url"
	"strings"
)

func (v *connsPage) title() string { return "Connections" }

// form adds the form. It is outside the part of the page that the script replaces, so text in the
// form is not lost.
func (v *connsPage) form(p *page) {
	p.raw(`<form class="filter" method="get" action="conns"><input type="search" name="q" maxlength="200" placeholder="peer, state, handler …" value="`)
	p.text(v.query.find)
	p.raw(`"><input type="hidden" name="sort" value="`)
	p.text(v.query.sort)
	p.raw(`"> <button>filter</button></form>`)
}

// to returns the address of this page with other parameters. pairs contains names and values.
func (v *connsPage) to(pairs ...string) string {
	q := url.Values{"sort": {v.query.sort}}
	if v.query.asc {
		q.Set("asc", "1")
	}
	if v.query.find != "" {
		q.Set("q", v.query.find)
	}
	if v.query.loop >= 0 {
		q.Set("loop", itoa(v.query.loop))
	}
	if v.query.n != rowsUsual {
		q.Set("n", itoa(v.query.n))
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return "conns?" + q.Encode()
}

func (v *connsPage) write(p *page) {
	p.raw("<p>")
	if v.query.find != "" {
		p.text(fmt.Sprintf("%d of %d connections match. ", v.Found, v.Total))
	} else {
		p.text(fmt.Sprintf("%d connections. ", v.Total))
	}
	if v.Pages > 1 {
		p.text(fmt.Sprintf("Page %d of %d. ", v.Page, v.Pages))
		if v.Page > 1 {
			p.link(v.to("page", itoa(v.Page-1)), "← previous")
			p.raw(" ")
		}
		if v.Page < v.Pages {
			p.link(v.to("page", itoa(v.Page+1)), "next →")
		}
	}
	p.raw("</p>")
	table(p, connColumns, v.Conns, func(c *column[*connRow]) {
		if c.key == "" {
			p.text(c.title)
			return
		}
		asc := ""
		if v.query.sort == c.key && !v.query.asc {
			asc = "1"
		}
		p.link(v.to("sort", c.key, "asc", asc), c.title)
		if v.query.sort == c.key && v.query.asc {
			p.raw(" ▲")
		} else if v.query.sort == c.key {
			p.raw(" ▼")
		}
	})
}

var connColumns = []column[*connRow]{
	{"peer", "peer", "", func(p *page, c *connRow) {
		if c.ID == "" {
			p.text(c.Peer)
		} else {
			p.link("conn?id="+c.ID, c.Peer)
		}
	}},
	{"state", "state", "", func(p *page, c *connRow) {
		p.text(strings.Join(c.State, ", "))
		if c.Why != "" {
			p.raw(`<small class="why">`)
			p.text(c.Why)
			p.raw("</small>")
		}
	}},
	number("stuck", "stuck for", func(c *connRow) string { return seconds(c.Stuck) }),
	number("age", "age", func(c *connRow) string { return secondsText(c.Age) }),
	number("in", "in", func(c *connRow) string { return bytesText(float64(c.In)) }),
	number("out", "out", func(c *connRow) string { return bytesText(float64(c.Out)) }),
	number("inrate", "in/s", func(c *connRow) string { return bytesText(c.InRate) }),
	number("outrate", "out/s", func(c *connRow) string { return bytesText(c.OutRate) }),
	number("buffered", "buffered", func(c *connRow) string { return bytesText(float64(c.Buffered)) }),
	number("deadline", "deadlines", func(c *connRow) string { return deadlines(c) }),
	textual("handler", "handler", func(c *connRow) string { return c.Handler }),
	textual("local", "listener", func(c *connRow) string { return c.Local }),
}

// seconds returns a duration as text, or "" for 0.
func seconds(s float64) string {
	if s == 0 {
		return ""
	}
	return secondsText(s)
}

// deadlines lists the deadlines of a Conn.
func deadlines(c *connRow) string {
	var list []string
	for _, d := range []struct {
		name string
		left *float64
	}{{"idle", c.Idle}, {"read", c.Read}, {"write", c.Write}, {"gives up", c.GiveUp}} {
		if d.left != nil {
			list = append(list, d.name+" "+secondsText(*d.left))
		}
	}
	return strings.Join(list, ", ")
}

func (c *connRow) title() string { return "Connection " + c.Peer }

func (c *connRow) write(p *page) {
	p.tag("h2", c.Peer)
	if c.Why != "" {
		level := "warning"
		if c.Stuck >= stuckAfter {
			level = "problem"
		}
		p.finding(&finding{Level: level, Title: "Why it does not go on", Text: c.Why})
	}
	p.list(
		"loop", itoa(c.Loop), "state", strings.Join(c.State, ", "), "age", secondsText(c.Age),
		"listener", c.Local, "handler", c.Handler,
		"in", fmt.Sprintf("%s (%d bytes), %s/s", bytesText(float64(c.In)), c.In, bytesText(c.InRate)),
		"out", fmt.Sprintf("%s (%d bytes), %s/s", bytesText(float64(c.Out)), c.Out, bytesText(c.OutRate)),
		"buffered", fmt.Sprintf("%s; not read above %s, refused above %s", bytesText(float64(c.Buffered)),
			bytesText(float64(c.High)), bytesText(float64(c.Limit))),
		"unsent in the kernel", unsentText(c.Unsent), "accepts nothing for", seconds(c.Stuck), "deadlines", deadlines(c))
	if t := c.TLS; t != nil {
		p.raw("<h3>TLS</h3>")
		if t.Handshaking {
			p.raw("<p>The handshake has not ended.</p>")
		}
		p.list("version", t.Version, "cipher", t.Cipher, "server name", t.ServerName, "protocol", t.ALPN)
	}
	if c.ID != "" {
		p.action("close", c.ID, "close in order")
		p.action("abort", c.ID, "abort")
	}
}

func unsentText(n int) string {
	if n < 0 {
		return ""
	}
	return bytesText(float64(n))
}
