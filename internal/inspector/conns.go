package inspector

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	rowsUsual = 100
	rowsMost  = 10_000
	findMost  = 200 // bytes of a filter
)

// A connsPage is one page of the list of connections.
type connsPage struct {
	Conns []*connRow `json:"conns"`
	Total int        `json:"total"` // open on all loops
	Found int        `json:"found"` // connections that match the filter
	Page  int        `json:"page"`
	Pages int        `json:"pages"`

	query connQuery
}

// A connQuery contains the parameters of a request for connections.
type connQuery struct {
	sort    string
	asc     bool
	find    string
	loop    int // -1 means all
	page, n int
}

// compare contains the functions that can sort the list: from the largest value down, or from a to
// z.
var compare = map[string]func(a, b *connRow) int{
	"stuck": func(a, b *connRow) int {
		return cmp.Or(cmp.Compare(b.Stuck, a.Stuck), cmp.Compare(b.Buffered, a.Buffered))
	},
	"peer":     func(a, b *connRow) int { return strings.Compare(a.Peer, b.Peer) },
	"local":    func(a, b *connRow) int { return strings.Compare(a.Local, b.Local) },
	"handler":  func(a, b *connRow) int { return strings.Compare(a.Handler, b.Handler) },
	"state":    func(a, b *connRow) int { return slices.Compare(a.State, b.State) },
	"age":      func(a, b *connRow) int { return cmp.Compare(b.Age, a.Age) },
	"in":       func(a, b *connRow) int { return cmp.Compare(b.In, a.In) },
	"out":      func(a, b *connRow) int { return cmp.Compare(b.Out, a.Out) },
	"inrate":   func(a, b *connRow) int { return cmp.Compare(b.InRate, a.InRate) },
	"outrate":  func(a, b *connRow) int { return cmp.Compare(b.OutRate, a.OutRate) },
	"buffered": func(a, b *connRow) int { return cmp.Compare(b.Buffered, a.Buffered) },
	"unsent":   func(a, b *connRow) int { return cmp.Compare(b.Unsent, a.Unsent) },
	"deadline": func(a, b *connRow) int { return cmp.Compare(soonest(a), soonest(b)) },
}

// soonest returns the time until the earliest deadline of a Conn.
func soonest(c *connRow) float64 {
	s := 1e18
	for _, d := range []*float64{c.Idle, c.Read, c.Write, c.GiveUp} {
		if d != nil {
			s = min(s, *d)
		}
	}
	return s
}

// readQuery reads the parameters. It returns an error if one is not valid.
func (h *Inspector) readQuery(q url.Values) (c connQuery, err error) {
	c = connQuery{sort: "stuck", asc: q.Get("asc") != "", find: q.Get("q"), loop: -1, page: 1, n: rowsUsual}
	if s := q.Get("sort"); s != "" {
		c.sort = s
	}
	if compare[c.sort] == nil {
		return c, errors.New("there is no order of this name")
	}
	if len(c.find) > findMost {
		return c, errors.New("q must have at most 200 bytes")
	}
	for _, p := range []struct {
		name  string
		to    *int
		least int
		most  int
	}{{"page", &c.page, 1, 1 << 30}, {"n", &c.n, 1, rowsMost}, {"loop", &c.loop, 0, len(h.s.loops) - 1}} {
		s := q.Get(p.name)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < p.least || n > p.most {
			return c, fmt.Errorf("%s must be %d … %d", p.name, p.least, p.most)
		}
		*p.to = n
	}
	return c, nil
}

func (h *Inspector) conns(q url.Values) (view, error) {
	query, err := h.readQuery(q)
	if err != nil {
		return nil, err
	}
	v := &connsPage{Conns: []*connRow{}, query: query}
	var found []*connRow
	for i, l := range h.s.loops {
		pic := l.latest()
		if pic == nil {
			continue
		}
		rows := pic.conns(i)
		v.Total += len(rows)
		if query.loop >= 0 && query.loop != i {
			continue
		}
		for _, c := range rows {
			if c.matches(query.find) {
				found = append(found, c)
			}
		}
	}
	order := compare[query.sort]
	slices.SortStableFunc(found, func(a, b *connRow) int {
		if query.asc {
			return order(b, a)
		}
		return order(a, b)
	})
	v.Found = len(found)
	v.Pages = max(1, (len(found)+query.n-1)/query.n)
	v.Page = min(query.page, v.Pages)
	first := (v.Page - 1) * query.n
	v.Conns = append(v.Conns, found[first:min(first+query.n, len(found))]...)
	return v, nil
}

// latest returns the latest picture, or nil if there is none.
func (l *loop) latest() *picture {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pic
}

// matches returns whether any text of the row contains the filter.
func (c *connRow) matches(find string) bool {
	if find == "" {
		return true
	}
	find = strings.ToLower(find)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), find) }
	return has(c.Peer) || has(c.Local) || has(c.Handler) || has(c.Why) || slices.ContainsFunc(c.State, has) ||
		c.TLS != nil && (has(c.TLS.ServerName) || has(c.TLS.Version) || has(c.TLS.ALPN))
}

// conn returns the page of one connection.
func (h *Inspector) conn(id string) (view, error) {
	loop, want, ok := parseID(id)
	if !ok || loop >= len(h.s.loops) {
		return nil, errors.New("id must be that of a connection: loop-descriptor-generation")
	}
	if pic := h.s.loops[loop].latest(); pic != nil {
		for i, c := range pic.Conns {
			if c.ID == want {
				return pic.conns(loop)[i], nil
			}
		}
	}
	return nil, notFound("the connection is closed")
}
