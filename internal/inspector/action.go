package inspector

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
)

const (
	bodyMost   = 4 << 10
	actionWait = 500 * time.Millisecond
)

// actions maps names to the actions that an operator may request for a Conn or a Listener.
var actions = map[string]inside.Action{
	"close": inside.Close, "abort": inside.Abort, "pause": inside.Pause, "resume": inside.Resume,
}

// do serves POST do. The form has the fields action, id and token. For the action "level", id is
// the level. The body is read before the request gets a slot. So a client that sends its body
// slowly occupies no slot.
func (h *Inspector) do(w *Response, r *Request) {
	var body []byte
	var err error
	if r.Method == "POST" && h.Token != "" {
		body, err = io.ReadAll(io.LimitReader(r.Body, bodyMost+1))
	}
	h.limited(w, r, "POST", func(w *Response, r *Request) { h.doForm(w, r, body, err) })
}

func (h *Inspector) doForm(w *Response, r *Request, body []byte, err error) {
	if h.Token == "" {
		w.fail(codeForbidden, "there are no actions; see inspect.WithActions")
		return
	}
	if !sameOrigin(r) {
		w.fail(codeForbidden, "the request comes from another site's page")
		return
	}
	form, e := url.ParseQuery(string(body))
	if err != nil || e != nil || len(body) > bodyMost {
		w.fail(codeBadRequest, "the body must be a form of at most 4 KiB")
		return
	}
	token := form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header("Authorization"), "Bearer "); ok {
		token = bearer
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(h.Token)) != 1 {
		w.fail(codeForbidden, "the token is wrong")
		return
	}
	h.answer(w, r, form, h.act(form.Get("action"), form.Get("id")))
}

// sameOrigin returns true if the browser reports that a page of this host has made the request, or
// if the client is no browser.
func sameOrigin(r *Request) bool {
	if site := r.Header("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	origin := r.Header("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// actsMost is how many actions may wait for a loop that does not answer. Further actions are
// refused.
const actsMost = 16

var (
	errAction = errors.New("inspect: action must be close, abort, pause or resume")
	errLevel  = errors.New("inspect: there is no level to set; see inspect.WithLogLevel")
	errID     = errors.New("inspect: id must be loop-descriptor-generation")
	errNoLoop = errors.New("inspect: there is no such loop")
	errWaits  = errors.New("inspect: the loop does not answer; the action waits for its next turn")
	errMany   = errors.New("inspect: the loop does not answer, and 16 actions wait for its next turn; this one was not accepted")
)

func (h *Inspector) act(name, id string) error {
	if name == "level" {
		if h.Level == nil {
			return errLevel
		}
		return h.Level.UnmarshalText([]byte(id))
	}
	a, known := actions[name]
	loop, target, ok := parseID(id)
	switch {
	case !known:
		return errAction
	case !ok:
		return errID
	case loop >= len(h.s.loops):
		return errNoLoop
	}
	l := h.s.loops[loop]
	if l.acts.Add(1) > actsMost {
		l.acts.Add(-1)
		return errMany
	}
	done := make(chan error, 1)
	go inside.Inspected(l.r).Act(a, target, func(err error) {
		l.acts.Add(-1)
		done <- err
	})
	limit := time.NewTimer(actionWait)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
		return errWaits
	}
}

// answer shows the result of an action.
func (h *Inspector) answer(w *Response, r *Request, form url.Values, err error) {
	v := &result{Action: clean(form.Get("action")), ID: clean(form.Get("id")), Result: "done"}
	switch {
	case errors.Is(err, errAction), errors.Is(err, errID):
		w.Code = codeBadRequest
	case errors.Is(err, errNoLoop), errors.Is(err, errLevel):
		w.Code = codeNotFound
	case errors.Is(err, errMany):
		w.Code = codeUnavailable
	case errors.Is(err, errWaits):
		w.Code = codeGatewayTimeout
	case err != nil:
		w.Code = codeConflict
	}
	if err != nil {
		v.Result = clean(err.Error())
	}
	if !strings.Contains(r.Header("Accept"), "text/html") {
		w.sendJSON(v)
		return
	}
	p := &page{h: h, name: "do"}
	p.whole(v)
	w.send("text/html", p.b)
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
