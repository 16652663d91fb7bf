//go:build unix

package inspect

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/reactor"
)

// Every page answers as HTML, as a part for the script, and as JSON, below any path. The parts of a
// page are complete without the script.
func TestEveryPageAnswers(t *testing.T) {
	r := started(t)
	at := listen(t, r, "tcp", accept)
	c := dial(t, at)
	on(t, r, func() { r.Go(func(t *reactor.Task) { t.Sleep(long) }) })
	h := Handler([]*reactor.Reactor{r}, WithLogLevel(new(slog.LevelVar)))
	conn := decode[connsPage](t, h, "conns").Conns[0]
	task := decode[tasksPage](t, h, "tasks").Tasks[0]
	for page, has := range map[string]string{
		"":                    at.String(),
		"debug/loops/":        at.String(),
		"conns":               c.LocalAddr().String(),
		"conn?id=" + conn.ID:  "inspect.echo",
		"debug/conns?q=tcp":   "0 of 1 connections match",
		"tasks":               "TestEveryPageAnswers",
		"task?id=" + task.ID:  "sleeps",
		"events":              "Slow callbacks",
		"loop?id=0":           "What it does now",
		"conns?sort=age&n=10": "<th",
	} {
		w := get(h, page)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), has) || !strings.Contains(w.Body.String(), "</html>") {
			t.Errorf("%q: %d, does not have %q:\n%s", page, w.Code, has, w.Body)
		}
		part := get(h, page, "X-Part", "1")
		if s := part.Body.String(); part.Code != http.StatusOK || strings.Contains(s, "<html") || !strings.Contains(w.Body.String(), "<main>") {
			t.Errorf("part of %q: %d %s", page, part.Code, s)
		}
		if head := w.Header(); head.Get("Cache-Control") != "no-store" || head.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(head.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%q: headers %v", page, head)
		}
	}
	for asset, kind := range map[string]string{"style.css": "text/css", "script.js": "text/javascript"} {
		if w := get(h, asset); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() < 100 {
			t.Errorf("%s: %d %v", asset, w.Code, w.Header())
		}
	}
	if w := get(h, ""); strings.Contains(w.Body.String(), "token") {
		t.Error("forms without actions")
	}
}

// The script and the pages load nothing from elsewhere and have no code in line, so the policy in
// the header holds.
func TestPagesNeedNothingFromElsewhere(t *testing.T) {
	h := Handler([]*reactor.Reactor{started(t)})
	for _, page := range []string{"", "conns", "tasks", "events", "loop?id=0", "style.css", "script.js"} {
		s := get(h, page).Body.String()
		for _, bad := range []string{"http:", "https:", "//cdn", " style=", " onclick", "javascript:", "<script>", "@import", "url("} {
			if strings.Contains(s, bad) {
				t.Errorf("%q has %q", page, bad)
			}
		}
	}
}

// What is not there, or is asked for in the wrong way, is an error of the client, and says why.
func TestBadRequests(t *testing.T) {
	h := Handler([]*reactor.Reactor{started(t)})
	for page, says := range map[string]string{
		"nothing":               "no such page",
		"conns?sort=color":      "no order",
		"conns?page=0":          "page must be 1",
		"conns?page=x":          "page must be",
		"conns?n=10001":         "n must be 1 … 10000",
		"conns?loop=1":          "loop must be 0 … 0",
		"conns?q=" + long300():  "at most 200 bytes",
		"conn":                  "id must be",
		"conn?id=1-2-3":         "id must be",
		"conn?id=0-2-99999":     "closed",
		"conn?id=0--1-1":        "id must be",
		"conn?id=0-1-1-1":       "id must be",
		"task?id=0":             "id must be",
		"task?id=-1-ff":         "id must be",
		"task?id=0-ff":          "ended",
		"task?id=7-ff":          "id must be",
		"loop?id=1":             "no such loop",
		"loop?id=<b>":           "no such loop",
		"conn?id=%3Cscript%3E1": "id must be",
	} {
		w := get(h, page)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%q: %d %s; want %q", page, w.Code, w.Body, says)
		}
		if kind := w.Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" {
			t.Errorf("%q: %s", page, kind)
		}
	}
	for method, page := range map[string]string{"POST": "conns", "DELETE": "", "GET": "do", "PUT": "do"} {
		w := ask(h, httptest.NewRequest(method, "http://127.0.0.1/"+page, nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("%s %q: %d", method, page, w.Code)
		}
	}
}

func long300() string { return strings.Repeat("x", 300) }

// A page of an attacker, whose name resolves to this machine, is refused: its Host is that name.
func TestHostIsChecked(t *testing.T) {
	h := Handler([]*reactor.Reactor{started(t)}, WithHost("Ops.example", "other.example"))
	for host, ok := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:6060": true, "[::1]": true, "[::1]:6060": true, "localhost": true, "LOCALHOST:80": true,
		"192.0.2.7:80": true, "ops.example": true, "OPS.example:443": true, "other.example": true,
		"": false, "evil.example": false, "evil.example:6060": false, "127.0.0.1.evil.example": false,
		"localhost.evil.example": false, "evil.example@127.0.0.1": false, "ops.example.": false, "127.0.0.1:80:80": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if w := ask(h, r); (w.Code == http.StatusOK) != ok {
			t.Errorf("Host %q: %d", host, w.Code)
		}
		r = httptest.NewRequest("POST", "/do", nil)
		r.Host = host
		if w := ask(h, r); !ok && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("POST with Host %q: %d", host, w.Code)
		}
	}
}

// Of a storm of requests some are served and the rest are refused at once. The loop collects as few
// pictures as without a storm.
func TestStormIsBounded(t *testing.T) {
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := Handler([]*reactor.Reactor{r})
	get(h, "")
	before := r.Stats().Posts
	var served, refused atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				switch w := get(h, "conns"); {
				case w.Code == http.StatusOK:
					served.Add(1)
				case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	all.Wait()
	if served.Load() < 8 || refused.Load() < 500 {
		t.Errorf("%d served, %d refused", served.Load(), refused.Load())
	}
	if posts := r.Stats().Posts - before; int64(posts) > served.Load()/2 {
		t.Errorf("%d posts for %d answers", posts, served.Load())
	}
}

// Misuse panics, and says what to do.
func TestMisusePanics(t *testing.T) {
	r := started(t)
	one := []*reactor.Reactor{r}
	wantPanic(t, "no loops", func() { Handler(nil) })
	wantPanic(t, "is nil", func() { Handler([]*reactor.Reactor{nil}) })
	wantPanic(t, "twice", func() { Handler([]*reactor.Reactor{r, r}) })
	wantPanic(t, "option 0 is nil", func() { Handler(one, nil) })
	wantPanic(t, "15 bytes", func() { Handler(one, WithActions(token[:15])) })
	wantPanic(t, "leave it out", func() { Handler(one, WithLogLevel(nil)) })
	wantPanic(t, "without a port", func() { Handler(one, WithHost("a.example:80")) })
	wantPanic(t, "without a port", func() { Handler(one, WithHost("")) })
}
