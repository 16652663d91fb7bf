//go:build unix

package inspector

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/timeout"
)

const second = timeout.Deadline(time.Second)

// manyConns returns a picture of n Conns with all kinds of values.
func manyConns(n int, now timeout.Deadline) *inside.Loop {
	p := &inside.Loop{Began: now, Now: now, Time: time.Now()}
	for i := range n {
		c := inside.Conn{ID: inside.ID{FD: int32(i + 5), Gen: 1}, Handler: fmt.Sprintf("*h%d", i%3), Local: "127.0.0.1:1",
			Peer:   kernel.Addr{Family: 2, IP: [16]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}, Port: uint16(i)},
			Opened: now - timeout.Deadline(i%977)*second, In: uint64(i * 7919 % n), Out: uint64(i * 104729 % n), Unsent: -1,
			Quiet: timeout.Never, Read: timeout.Never, Write: timeout.Never, GiveUp: timeout.Never}
		if i%100 == 0 {
			c.State, c.Buffered, c.Stuck = inside.Blocked, i+1, now-timeout.Deadline(i)*second/100
		}
		if i%7 == 0 {
			c.Idle, c.Quiet = time.Minute, now+timeout.Deadline(i%60)*second
		}
		p.Conns = append(p.Conns, c)
	}
	return p
}

// pictured returns an Inspector whose loop always has this picture.
func pictured(t testing.TB, p *picture) *Inspector {
	h := inspect(started(t))
	l := h.s.loops[0]
	l.pic, l.ended = p, true
	return h
}

// Each column sorts all rows in both directions, and not only the rows of the page.
func TestEveryColumnSortsAllRows(t *testing.T) {
	n := longtest.Count(1000, 10_000, 10_000)
	h := pictured(t, newPicture(manyConns(n, 5000*second), newPicture(manyConns(n, 4000*second), nil)))
	keys := map[string]bool{}
	for _, c := range connColumns {
		if c.key != "" {
			keys[c.key] = true
		}
	}
	for key := range keys {
		if compare[key] == nil {
			t.Errorf("no order for column %q", key)
		}
	}
	for key, order := range compare {
		var all []*connRow
		for page := 1; page <= 3; page++ {
			v, err := h.conns(url.Values{"sort": {key}, "n": {itoa(n * 2 / 5)}, "page": {itoa(page)}})
			if err != nil {
				t.Fatal(err)
			}
			p := v.(*connsPage)
			if p.Total != n || p.Found != n || p.Pages != 3 || p.Page != page {
				t.Fatalf("%s: %+v", key, p)
			}
			all = append(all, p.Conns...)
		}
		if !slices.IsSortedFunc(all, order) || len(all) != n {
			t.Errorf("%s: %d rows are not in order", key, len(all))
		}
		back, _ := h.conns(url.Values{"sort": {key}, "n": {itoa(n)}, "asc": {"1"}})
		slices.Reverse(back.(*connsPage).Conns)
		if !slices.IsSortedFunc(back.(*connsPage).Conns, order) {
			t.Errorf("%s: not in order the other way", key)
		}
	}
}

// A filter finds a text in any column and ignores its case. If the number of the page is too high,
// the last page is shown.
func TestFilterAndPages(t *testing.T) {
	h := pictured(t, newPicture(manyConns(1000, 5000*second), nil))
	for find, want := range map[string]int{"": 1000, "*H1": 333, "BLOCKED": 10, "10.0.3.": 1000 - 768, "does not read": 7, "nobody": 0} {
		v, _ := h.conns(url.Values{"q": {find}, "page": {"1000"}})
		p := v.(*connsPage)
		if p.Found != want || p.Total != 1000 || p.Page != p.Pages || len(p.Conns) != min(want-(p.Pages-1)*rowsUsual, want) {
			t.Errorf("%q: %d found, page %d of %d with %d rows; want %d", find, p.Found, p.Page, p.Pages, len(p.Conns), want)
		}
	}
}

// A rate is the difference of two pictures of the same connection. If the descriptor number now
// belongs to another connection, that connection has no rate yet.
func TestRatesAreOfTheSameConn(t *testing.T) {
	before, now := manyConns(4, 10*second), manyConns(4, 12*second)
	for i := range now.Conns {
		now.Conns[i].In = before.Conns[i].In + 100
		now.Conns[i].Out = before.Conns[i].Out + 300
	}
	now.Conns[1].ID.Gen = 3                                           // another connection
	before.Conns = slices.Delete(before.Conns, 2, 3)                  // number 2 was not there
	now.Conns = append(now.Conns, inside.Conn{ID: inside.ID{FD: -1}}) // dials
	p := newPicture(now, newPicture(before, nil))
	want := []connRates{{50, 150}, {}, {}, {50, 150}, {}}
	if !slices.Equal(p.rates, want) {
		t.Errorf("%v, want %v", p.rates, want)
	}
}

// parseID reads what idText writes, and refuses other texts.
func TestIDs(t *testing.T) {
	for _, id := range []inside.ID{{FD: 0, Gen: 1}, {FD: 1<<31 - 1, Gen: 1<<32 - 1}} {
		if loop, got, ok := parseID(idText(3, id)); !ok || got != id || loop != 3 {
			t.Errorf("%v: %d %v %v", id, loop, got, ok)
		}
	}
	for _, s := range []string{"", "-", "--", "1", "1-2", "1-2-3-4", "a-1-1", "-1-1-1", "1-2147483648-1", "1-1-4294967296", "1-1--1", " 1-1-1"} {
		if loop, id, ok := parseID(s); ok {
			t.Errorf("%q: %d %v", s, loop, id)
		}
	}
}
