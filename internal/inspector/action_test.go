//go:build unix

package inspector

import (
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

func form(action, id, token string) url.Values {
	return url.Values{"action": {action}, "id": {id}, "token": {token}}
}

// An action is refused unless the option is set, the token is right, and the request comes from the
// same site. If an earlier action has closed the object, the action returns an error.
func TestActions(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	r := started(t)
	at := listen(t, r, "tcp", accept)
	level := new(slog.LevelVar)
	h := New(Config{Loops: []*reactor.Reactor{r}, Token: token, Level: level})
	dial(t, at)
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	listener := decode[overviewPage](t, h, "").Listeners[0].ID
	for name, w := range map[string]struct {
		code int
		got  int
	}{
		"no option":      {codeForbidden, post(inspect(r), form("abort", id, "")).Code},
		"no token":       {codeForbidden, post(h, form("abort", id, "")).Code},
		"a wrong token":  {codeForbidden, post(h, form("abort", id, token+"x")).Code},
		"a wrong bearer": {codeForbidden, post(h, form("abort", id, token), "Authorization", "Bearer x").Code},
		"another site":   {codeForbidden, post(h, form("abort", id, token), "Sec-Fetch-Site", "cross-site").Code},
		"a sibling":      {codeForbidden, post(h, form("abort", id, token), "Sec-Fetch-Site", "same-site").Code},
		"another origin": {codeForbidden, post(h, form("abort", id, token), "Origin", "http://evil.example").Code},
		"no origin":      {codeForbidden, post(h, form("abort", id, token), "Origin", "null").Code},
		"no action":      {codeBadRequest, post(h, form("", id, token)).Code},
		"another action": {codeBadRequest, post(h, form("restart", id, token)).Code},
		"no ID":          {codeBadRequest, post(h, form("abort", "", token)).Code},
		"no such loop":   {codeNotFound, post(h, form("abort", "1-5-1", token)).Code},
		"no level":       {codeNotFound, post(New(Config{Loops: []*reactor.Reactor{r}, Token: token}), form("level", "warn", token)).Code},
		"not a listener": {codeConflict, post(h, form("pause", id, token)).Code},
		"not a Conn":     {codeConflict, post(h, form("abort", listener, token)).Code},
		"a bad level":    {codeConflict, post(h, form("level", "loud", token)).Code},
		"a long body":    {codeBadRequest, post(h, form("abort", strings.Repeat("1", bodyMost), token)).Code},
	} {
		if w.got != w.code {
			t.Errorf("%s: %d, want %d", name, w.got, w.code)
		}
	}
	if n := r.Stats().Conns; n != 1 {
		t.Fatalf("%d Conns after actions that were refused", n)
	}
	if w := post(h, form("abort", id, ""), "Authorization", "Bearer "+token, "Origin", "http://127.0.0.1"); w.Code != codeOK {
		t.Errorf("%d %s", w.Code, w.body)
	}
	if w := post(h, form("abort", id, token)); w.Code != codeConflict || !strings.Contains(w.body, "closed") {
		t.Errorf("a second time: %d %s", w.Code, w.body)
	}
	if w := post(h, form("pause", listener, token), "Sec-Fetch-Site", "same-origin", "Accept", "text/html"); w.Code != codeOK ||
		!strings.Contains(w.body, "<p>done</p>") {
		t.Errorf("%d %s", w.Code, w.body)
	}
	eventually(t, "the listener is paused", func() bool { return decode[overviewPage](t, h, "").Listeners[0].State == "paused" })
	if w := post(h, form("resume", listener, token)); w.Code != codeOK {
		t.Errorf("%d %s", w.Code, w.body)
	}
	dial(t, at)
	if w := post(h, form("level", "warn", token)); w.Code != codeOK || level.Level() != slog.LevelWarn {
		t.Errorf("%d %s, level %v", w.Code, w.body, level)
	}
}

// The action Close closes a connection in order: the peer receives all output and then the end of
// input.
func TestActionCloseDeliversWhatWasSent(t *testing.T) {
	t.Parallel()
	r := started(t)
	c := dial(t, listen(t, r, "tcp", accept))
	h := New(Config{Loops: []*reactor.Reactor{r}, Token: token})
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	on(t, r, func() {
		for conn := range r.Conns() {
			_ = conn.Send([]byte("bye"))
		}
	})
	if w := post(h, form("close", id, token)); w.Code != codeOK {
		t.Fatalf("%d %s", w.Code, w.body)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "bye" {
		t.Errorf("%q, %v", got, err)
	}
}

// Each page with actions has a form, and no page contains the token.
func TestPagesDoNotHaveTheToken(t *testing.T) {
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := New(Config{Loops: []*reactor.Reactor{r}, Token: token, Level: new(slog.LevelVar)})
	id := decode[connsPage](t, h, "conns").Conns[0].ID
	for page, has := range map[string]string{"": `value="pause"`, "conn?id=" + id: `value="abort"`} {
		w := get(h, page)
		if s := w.body; !strings.Contains(s, has) || strings.Contains(s, token) {
			t.Errorf("%q:\n%s", page, s)
		}
	}
}

// Clients that send the body of an action slowly do not block other requests.
func TestSlowBodiesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	h := New(Config{Loops: []*reactor.Reactor{started(t)}, Token: token})
	var served sync.WaitGroup
	defer served.Wait()
	for range atOnce {
		body, client := io.Pipe()
		r, _ := request("POST", "localhost", "/do", "")
		r.Body = body
		served.Go(func() { h.Serve(r) })
		defer client.Close()
		if _, err := client.Write([]byte("a")); err != nil { // returns when the byte was read
			t.Fatal(err)
		}
	}
	if w := get(h, "conns"); w.Code != codeOK {
		t.Errorf("%d %s", w.Code, w.body)
	}
}

// Forms work because the pages have the referrer policy "same-origin": the browser then sends a
// form's origin. With "no-referrer" it would send "Origin: null", and over plain HTTP it sends no
// Sec-Fetch-Site. So every action would be refused.
func TestFormsHaveAnOrigin(t *testing.T) {
	t.Parallel()
	if p := get(inspect(started(t)), "").Header["Referrer-Policy"]; p != "same-origin" {
		t.Errorf("Referrer-Policy %q", p)
	}
}

// At most 16 actions wait for the next turn of a loop that does not answer. Further actions are
// refused and post nothing to the loop. When the loop continues, it runs all waiting actions, and
// accepts new ones.
func TestActionsOnAHungLoopAreBounded(t *testing.T) {
	t.Parallel()
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := New(Config{Loops: []*reactor.Reactor{r}, Token: token})
	id := decode[overviewPage](t, h, "").Listeners[0].ID
	until, begun := make(chan struct{}), make(chan struct{})
	if err := r.Post(func() { close(begun); stand(until) }); err != nil {
		t.Fatal(err)
	}
	<-begun
	before := r.Stats().Posted
	act := func(action string) int {
		h.rate.left = burst
		return h.answered(action, id)
	}
	var waiting sync.WaitGroup
	for range actsMost {
		waiting.Go(func() {
			if err := h.act("pause", id); err != nil && err != errWaits {
				t.Error(err)
			}
		})
	}
	eventually(t, "all actions wait", func() bool { return h.s.loops[0].acts.Load() == actsMost })
	for range 100 {
		if code := act("resume"); code != codeUnavailable {
			t.Fatalf("%d, want %d", code, codeUnavailable)
		}
	}
	if n := r.Stats().Posted - before; n > actsMost+1 { // one post is for a picture
		t.Errorf("%d posts wait", n)
	}
	close(until)
	waiting.Wait()
	eventually(t, "the actions are done", func() bool { return h.s.loops[0].acts.Load() == 0 })
	if code := act("resume"); code != codeOK {
		t.Errorf("%d after the hang", code)
	}
}

// answered returns the status code of an action.
func (h *Inspector) answered(action, id string) int { return post(h, form(action, id, token)).Code }
