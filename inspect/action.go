package inspect

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
)

const (
	bodyMost   = 4 << 10
	actionWait = 2 * time.Second
)

// actions are what an operator may do to a Conn or a Listener.
var actions = map[string]inside.Action{
	"close": inside.Close, "abort": inside.Abort, "pause": inside.Pause, "resume": inside.Resume,
}

// do serves POST do. The form has action, id and token. The action "level" has the level as its id.
func (h *handler) do(w http.ResponseWriter, r *http.Request) {
	if h.token == "" {
		fail(w, http.StatusForbidden, "there are no actions; see inspect.WithActions")
		return
	}
	if !sameOrigin(r) {
		fail(w, http.StatusForbidden, "the request comes from another site's page")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMost+1))
	form, e := url.ParseQuery(string(body))
	if err != nil || e != nil || len(body) > bodyMost {
		fail(w, http.StatusBadRequest, "the body must be a form of at most 4 KiB")
		return
	}
	token := form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(h.token)) != 1 {
		fail(w, http.StatusForbidden, "the token is wrong")
		return
	}
	err = h.act(r.Context(), form.Get("action"), form.Get("id"))
	h.answer(w, r, form, err)
}

// sameOrigin returns whether a browser says that the request comes from a page of this host, or the
// client is no browser.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// errUnknown is an action, or its object, that does not exist.
var errUnknown = errors.New("inspect: no such action or object")

func (h *handler) act(ctx context.Context, name, id string) error {
	if name == "level" && h.level != nil {
		return h.level.UnmarshalText([]byte(id))
	}
	a, known := actions[name]
	loop, target, ok := parseID(id)
	if !known || !ok || loop >= len(h.s.loops) {
		return errUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, actionWait)
	defer cancel()
	done := make(chan error, 1)
	go inside.Act(h.s.loops[loop].r, a, target, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the loop does not answer; the action waits for its next turn: %w", ctx.Err())
	}
}

// answer shows what an action has come to.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, form url.Values, err error) {
	v := &result{Action: clean(form.Get("action")), ID: clean(form.Get("id")), Result: "done"}
	code := http.StatusOK
	switch {
	case errors.Is(err, errUnknown):
		code = http.StatusNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = http.StatusGatewayTimeout
	case err != nil:
		code = http.StatusConflict
	}
	if err != nil {
		v.Result = clean(err.Error())
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		p := &page{h: h, name: "do"}
		p.whole(v)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write(p.b)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(appendJSON(nil, reflect.ValueOf(v)), '\n')) // the client may have left
}

// result is the page after an action.
type result struct {
	Action string `json:"action"`
	ID     string `json:"id"`
	Result string `json:"result"`
}

func (v *result) title() string { return "Action" }

func (v *result) write(p *page) {
	p.tag("h2", v.Action+" "+v.ID)
	p.tag("p", v.Result)
	p.raw("<p>")
	p.link("./", "back to the loops")
	p.raw("</p>")
}
