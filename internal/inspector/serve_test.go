//go:build unix

package inspector

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/reactor"
)

// Every page is available as HTML, as parts for the script, and as JSON, below any path. All parts
// of a page are complete without the script.
func TestEveryPageAnswers(t *testing.T) {
	r := started(t)
	at := listen(t, r, "tcp", accept)
	c := dial(t, at)
	on(t, r, func() { r.Go(func(t *reactor.Task) { t.Sleep(long) }) })
	h := New(Config{Loops: []*reactor.Reactor{r}, Level: new(slog.LevelVar)})
	conn := decode[connsPage](t, h, "conns").Conns[0]
	task := decode[tasksPage](t, h, "tasks").Tasks[0]
	for page, has := range map[string]string{
		"":                    at.String(),
		"debug/loops/":        at.String(),
		"conns":               c.LocalAddr().String(),
		"conn?id=" + conn.ID:  "inspector.echo",
		"debug/conns?q=tcp":   "0 of 1 connections match",
		"tasks":               "TestEveryPageAnswers",
		"task?id=" + task.ID:  "sleeps",
		"events":              "Slow callbacks",
		"loop?id=0":           "What it does now",
		"conns?sort=age&n=10": "<th",
	} {
		w := get(h, page)
		if w.Code != codeOK || !strings.Contains(w.body, has) || !strings.Contains(w.body, "</html>") {
			t.Errorf("%q: %d, does not have %q:\n%s", page, w.Code, has, w.body)
		}
		part := get(h, page, "X-Part", "1")
		if s := part.body; part.Code != codeOK || strings.Contains(s, "<html") || !strings.Contains(w.body, "<main>") {
			t.Errorf("part of %q: %d %s", page, part.Code, s)
		}
		if head := w.Header; head["Cache-Control"] != "no-store" || head["X-Content-Type-Options"] != "nosniff" ||
			!strings.HasPrefix(head["Content-Security-Policy"], "default-src 'none'") {
			t.Errorf("%q: headers %v", page, head)
		}
	}
	for asset, kind := range map[string]string{"style.css": "text/css", "script.js": "text/javascript"} {
		if w := get(h, asset); w.Code != codeOK || !strings.HasPrefix(w.Header["Content-Type"], kind) || len(w.body) < 100 {
			t.Errorf("%s: %d %v", asset, w.Code, w.Header)
		}
	}
	if w := get(h, ""); strings.Contains(w.body, "token") {
		t.Error("forms without actions")
	}
}

// The pages and the script load nothing from another site and contain no inline code. So the policy
// in the header does not break them.
func TestPagesNeedNothingFromElsewhere(t *testing.T) {
	h := inspect(started(t))
	for _, page := range []string{"", "conns", "tasks", "events", "loop?id=0", "style.css", "script.js"} {
		s := get(h, page).body
		for _, bad := range []string{"http:", "https:", "//cdn", " style=", " onclick", "javascript:", "<script>", "@import", "url("} {
			if strings.Contains(s, bad) {
				t.Errorf("%q has %q", page, bad)
			}
		}
	}
}

// A request for a page that does not exist, or with a wrong argument, is refused, and the answer
// gives the reason.
func TestBadRequests(t *testing.T) {
	h := inspect(started(t))
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
		"conns?q=%zz":           "the query must be",
		"conns?n=1;page=2":      "the query must be",
	} {
		w := get(h, page)
		code := codeBadRequest
		if strings.HasPrefix(says, "no such") || says == "closed" || says == "ended" {
			code = codeNotFound
		}
		if w.Code != code || !strings.Contains(w.body, says) {
			t.Errorf("%q: %d %s; want %d %q", page, w.Code, w.body, code, says)
		}
		if kind := w.Header["Content-Type"]; kind != "text/plain; charset=utf-8" {
			t.Errorf("%q: %s", page, kind)
		}
	}
	for method, page := range map[string]string{"POST": "conns", "DELETE": "", "GET": "do", "PUT": "do"} {
		w := ask(h, method, "127.0.0.1", "/"+page, "")
		if w.Code != codeMethodNotAllowed || w.Header["Allow"] == "" {
			t.Errorf("%s %q: %d", method, page, w.Code)
		}
	}
}

func long300() string { return strings.Repeat("x", 300) }

// An attacker's page may use a host name that resolves to this machine. Its requests are refused,
// because their Host is the attacker's name.
func TestHostIsChecked(t *testing.T) {
	h := New(Config{Loops: []*reactor.Reactor{started(t)}, Hosts: map[string]bool{"ops.example": true, "other.example": true}})
	for host, ok := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:6060": true, "[::1]": true, "[::1]:6060": true, "localhost": true, "LOCALHOST:80": true,
		"192.0.2.7:80": true, "ops.example": true, "OPS.example:443": true, "other.example": true,
		"": false, "evil.example": false, "evil.example:6060": false, "127.0.0.1.evil.example": false,
		"localhost.evil.example": false, "evil.example@127.0.0.1": false, "ops.example.": false, "127.0.0.1:80:80": false,
	} {
		if w := ask(h, "GET", host, "/", ""); (w.Code == codeOK) != ok {
			t.Errorf("Host %q: %d", host, w.Code)
		}
		if w := ask(h, "POST", host, "/do", ""); !ok && w.Code != codeMisdirected {
			t.Errorf("POST with Host %q: %d", host, w.Code)
		}
	}
}

// Of a flood of requests some are served, and all others are refused at once. The loop collects no
// more pictures than without the flood.
func TestStormIsBounded(t *testing.T) {
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := inspect(r)
	get(h, "")
	before := r.Stats().Posts
	var served, refused atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				switch w := get(h, "conns"); {
				case w.Code == codeOK:
					served.Add(1)
				case w.Code == codeUnavailable && w.Header["Retry-After"] != "":
					refused.Add(1)
				default:
					t.Errorf("%d %s", w.Code, w.body)
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
