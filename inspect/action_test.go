//go:build unix

package inspect

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/reactor"
)

func form(action, id, token string) url.Values {
	return url.Values{"action": {action}, "id": {id}, "token": {token}}
}

// An action needs the option, the token, and a request that is not another site's. Then it does what
// it says. A second time the object is closed.
func TestActions(t *testing.T) {
	t.Parallel()
	r := started(t)
	at := listen(t, r, "tcp", accept)
	level := new(slog.LevelVar)
	h := Handler([]*reactor.Reactor{r}, WithActions(token), WithLogLevel(level))
	dial(t, at)
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	listener := decode[overviewPage](t, h, "").Listeners[0].ID
	for name, w := range map[string]struct {
		code int
		got  int
	}{
		"no option":      {http.StatusForbidden, post(Handler([]*reactor.Reactor{r}), form("abort", id, "")).Code},
		"no token":       {http.StatusForbidden, post(h, form("abort", id, "")).Code},
		"a wrong token":  {http.StatusForbidden, post(h, form("abort", id, token+"x")).Code},
		"a wrong bearer": {http.StatusForbidden, post(h, form("abort", id, token), "Authorization", "Bearer x").Code},
		"another site":   {http.StatusForbidden, post(h, form("abort", id, token), "Sec-Fetch-Site", "cross-site").Code},
		"a sibling":      {http.StatusForbidden, post(h, form("abort", id, token), "Sec-Fetch-Site", "same-site").Code},
		"another origin": {http.StatusForbidden, post(h, form("abort", id, token), "Origin", "http://evil.example").Code},
		"no origin":      {http.StatusForbidden, post(h, form("abort", id, token), "Origin", "null").Code},
		"no action":      {http.StatusNotFound, post(h, form("", id, token)).Code},
		"another action": {http.StatusNotFound, post(h, form("restart", id, token)).Code},
		"no ID":          {http.StatusNotFound, post(h, form("abort", "", token)).Code},
		"no such loop":   {http.StatusNotFound, post(h, form("abort", "1-5-1", token)).Code},
		"not a listener": {http.StatusConflict, post(h, form("pause", id, token)).Code},
		"not a Conn":     {http.StatusConflict, post(h, form("abort", listener, token)).Code},
		"a bad level":    {http.StatusConflict, post(h, form("level", "loud", token)).Code},
		"a long body":    {http.StatusBadRequest, post(h, form("abort", strings.Repeat("1", bodyMost), token)).Code},
	} {
		if w.got != w.code {
			t.Errorf("%s: %d, want %d", name, w.got, w.code)
		}
	}
	if n := r.Stats().Conns; n != 1 {
		t.Fatalf("%d Conns after actions that were refused", n)
	}
	if w := post(h, form("abort", id, ""), "Authorization", "Bearer "+token, "Origin", "http://127.0.0.1"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(h, form("abort", id, token)); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "closed") {
		t.Errorf("a second time: %d %s", w.Code, w.Body)
	}
	if w := post(h, form("pause", listener, token), "Sec-Fetch-Site", "same-origin", "Accept", "text/html"); w.Code != http.StatusOK ||
		!strings.Contains(w.Body.String(), "<p>done</p>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	eventually(t, "the listener is paused", func() bool { return decode[overviewPage](t, h, "").Listeners[0].State == "paused" })
	if w := post(h, form("resume", listener, token)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	dial(t, at)
	if w := post(h, form("level", "warn", token)); w.Code != http.StatusOK || level.Level() != slog.LevelWarn {
		t.Errorf("%d %s, level %v", w.Code, w.Body, level)
	}
}

// Close closes in order: what was sent arrives, and then the end.
func TestActionCloseDeliversWhatWasSent(t *testing.T) {
	t.Parallel()
	r := started(t)
	c := dial(t, listen(t, r, "tcp", accept))
	h := Handler([]*reactor.Reactor{r}, WithActions(token))
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	on(t, r, func() {
		for conn := range r.Conns() {
			_ = conn.Send([]byte("bye"))
		}
	})
	if w := post(h, form("close", id, token)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "bye" {
		t.Errorf("%q, %v", got, err)
	}
}

// A page with actions has a form for each, and no page has the token.
func TestPagesDoNotHaveTheToken(t *testing.T) {
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := Handler([]*reactor.Reactor{r}, WithActions(token), WithLogLevel(new(slog.LevelVar)))
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	for page, has := range map[string]string{"": `value="pause"`, "conn?id=" + id: `value="abort"`} {
		w := get(h, page)
		if s := w.Body.String(); !strings.Contains(s, has) || strings.Contains(s, token) {
			t.Errorf("%q:\n%s", page, s)
		}
	}
}
