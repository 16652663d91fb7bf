//go:build linux

package inspect_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	rows   = "document.querySelectorAll('main tbody tr')"
	peers  = "[..." + rows + "].map(r => r.cells[0].textContent)"
	points = "document.querySelector('polyline').getAttribute('points')"
)

// The page shows 10,000 connections with live traffic. It has the right rows, sorts and filters all
// of them, and its charts change. It works on a phone, in dark mode, and without the script. The
// browser's console shows no error.
func TestPagesOf10000Conns(t *testing.T) {
	if !runs(t) {
		return
	}
	const n = 10_000
	at, pages := start(t, 0, "-loops", "2")
	want := map[string]int{} // bytes by peer
	var first []net.Conn
	for i := range n {
		c := dial(t, at, 1+i%1000)
		want[c.LocalAddr().String()] = 1 + i%1000
		if i < 20 {
			first = append(first, c)
		}
	}
	b := open(t)
	b.size(1280, 900, false)

	b.visit(pages + "conns?sort=in&n=10000")
	type row struct {
		Peer string
		In   string
	}
	list := eval[[]row](b, "[..."+rows+"].map(r => ({peer: r.cells[0].textContent, in: r.cells[4].textContent}))")
	seen := map[string]bool{}
	last := 1 << 30
	for _, r := range list {
		bytes, ok := want[r.Peer]
		if !ok || seen[r.Peer] || bytes > last || bytes < 1000 && r.In != fmt.Sprintf("%d B", bytes) {
			t.Fatalf("row %+v of %d bytes after one of %d", r, bytes, last)
		}
		seen[r.Peer], last = true, bytes
	}
	if len(seen) != n {
		t.Fatalf("%d rows", len(seen))
	}

	stop := make(chan struct{})
	var traffic sync.WaitGroup
	traffic.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				for _, c := range first {
					roundTrip(t, c, 1000)
				}
			}
		}
	})
	defer traffic.Wait()
	defer close(stop)
	b.visit(pages)
	b.until(points + ".split(' ').length > 2")
	before := eval[string](b, points)
	b.until(points + fmt.Sprintf(" !== %q", before))
	b.until("/[KMG]iB/.test(document.querySelectorAll('main table')[0].innerText)")
	if text := eval[string](b, "document.getElementById('live').innerText"); !strings.Contains(text, ":") {
		t.Errorf("the live mark: %q", text)
	}

	b.visit(pages + "conns")
	b.loading(func() {
		eval[any](b, "[...document.querySelectorAll('th a')].find(a => a.innerText === 'in/s').click()")
	})
	b.until("document.querySelectorAll('main tbody tr').length === 100 && document.querySelector('main tbody tr').cells[6].innerText !== '0 B'")
	busiest := eval[[]string](b, peers)
	for _, c := range first {
		if !slices.Contains(busiest[:len(first)], c.LocalAddr().String()) {
			t.Errorf("%v is not among the busiest: %v", c.LocalAddr(), busiest[:len(first)])
		}
	}
	b.loading(func() {
		eval[any](b, "[...document.querySelectorAll('main a')].find(a => a.innerText.startsWith('next')).click()")
	})
	if text := eval[string](b, "document.querySelector('main p').innerText"); !strings.HasPrefix(text, "10000 connections. Page 2 of 100.") {
		t.Errorf("the second page: %q", text)
	}
	peer := first[7].LocalAddr().String()
	b.loading(func() {
		eval[any](b, fmt.Sprintf("(document.querySelector('input[name=q]').value = %q, document.querySelector('form.filter button').click())", peer))
	})
	if got := eval[[]string](b, peers); !slices.Equal(got, []string{peer}) {
		t.Errorf("filtered by %s: %v", peer, got)
	}
	b.loading(func() { eval[any](b, "document.querySelector('main tbody a').click()") })
	b.until("document.querySelector('main dl') !== null")
	b.quiet()

	looks(t, b, pages)
	b.call("Emulation.setScriptExecutionDisabled", params{"value": true}, nil)
	b.visit(pages + "conns")
	b.call("Emulation.setScriptExecutionDisabled", params{"value": false}, nil)
	if got := eval[int](b, rows+".length"); got != 100 {
		t.Errorf("without the script there are %d rows", got)
	}
	b.quiet()
}

// looks shows the page on a phone and in dark mode.
func looks(t *testing.T, b *tab, pages string) {
	t.Helper()
	for _, page := range []string{"", "conns", "tasks", "events", "loop?id=0"} {
		b.size(390, 800, true)
		b.visit(pages + page)
		if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > 390 {
			t.Errorf("%q is %d pixels wide on a phone of 390", page, wide)
		}
	}
	b.size(1280, 900, false)
	colors := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		b.visit(pages)
		colors[eval[string](b, "getComputedStyle(document.body).backgroundColor+getComputedStyle(document.body).color")] = true
	}
	if len(colors) != 2 {
		t.Errorf("colors in light and dark: %v", colors)
	}
	b.call("Emulation.setEmulatedMedia", params{"features": []params{}}, nil)
}
