//go:build unix

package inspect_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/inspect"
	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
	"github.com/ureactor/ureactor/reactor"
)

const token = "sixteen bytes or more"

func started(t *testing.T) *reactor.Reactor {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

// The handler passes the request's method, host, path, query, headers and body to the inspector. It
// returns the inspector's code, headers and body. Each option has its effect.
func TestHandlerPassesRequestsOn(t *testing.T) {
	level := new(slog.LevelVar)
	h := inspect.Handler([]*reactor.Reactor{started(t)}, inspect.WithActions(token), inspect.WithLogLevel(level),
		inspect.WithHost("Ops.example"))
	server := httptest.NewServer(http.StripPrefix("/debug", h))
	defer server.Close()
	for _, c := range []struct {
		method, path, host, body, has string
		code                          int
	}{
		{"GET", "/debug/", "", "", "level <b>INFO</b>", http.StatusOK},
		{"GET", "/debug/conns?format=json&q=x", "ops.example", "", `"total": 0`, http.StatusOK},
		{"HEAD", "/debug/conns", "", "", "", http.StatusOK},
		{"GET", "/debug/conns", "evil.example", "", "host name", http.StatusMisdirectedRequest},
		{"GET", "/debug/nothing", "", "", "no such page", http.StatusNotFound},
		{"PUT", "/debug/", "", "", "must be GET", http.StatusMethodNotAllowed},
		{"POST", "/debug/do", "", url.Values{"action": {"level"}, "id": {"WARN"}, "token": {token}}.Encode(), "done", http.StatusOK},
	} {
		r, err := http.NewRequest(c.method, server.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		_ = w.Write(&body)
		w.Body.Close()
		if w.StatusCode != c.code || !strings.Contains(body.String(), c.has) || w.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: %s; want %d and %q", c.method, c.path, &body, c.code, c.has)
		}
	}
	if level.Level() != slog.LevelWarn {
		t.Errorf("level %v", level)
	}
}

// Misuse panics with a message that says what to do.
func TestMisusePanics(t *testing.T) {
	r := started(t)
	one := []*reactor.Reactor{r}
	wantPanic(t, "no loops", func() { inspect.Handler(nil) })
	wantPanic(t, "is nil", func() { inspect.Handler([]*reactor.Reactor{nil}) })
	wantPanic(t, "twice", func() { inspect.Handler([]*reactor.Reactor{r, r}) })
	wantPanic(t, "twice", func() { inspect.Handler([]*reactor.Reactor{r, started(t), r}) })
	wantPanic(t, "option 0 is nil", func() { inspect.Handler(one, nil) })
	wantPanic(t, "15 bytes", func() { inspect.Handler(one, inspect.WithActions(token[:15])) })
	wantPanic(t, "leave it out", func() { inspect.Handler(one, inspect.WithLogLevel(nil)) })
	wantPanic(t, "without a port", func() { inspect.Handler(one, inspect.WithHost("a.example:80")) })
	wantPanic(t, "without a port", func() { inspect.Handler(one, inspect.WithHost("")) })
}

// wantPanic fails the test unless f panics with a message that says what to do.
func wantPanic(t *testing.T, says string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v, _ := recover().(string); !strings.Contains(v, says) {
			t.Errorf("panic %q does not say %q", v, says)
		}
	}()
	f()
}
