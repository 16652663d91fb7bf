package inspector

import (
	_ "embed"
	"encoding"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

var (
	//go:embed assets/style.css
	style string
	//go:embed assets/script.js
	script string
)

const (
	atOnce    = 8   // requests that are served at the same time
	perSecond = 50  // requests for pages in a second
	burst     = 100 // requests for pages at once, after a pause
)

// A Config contains the settings of package inspect's options.
type Config struct {
	Loops []*reactor.Reactor
	Token string          // "" means no actions
	Level Level           // nil means none
	Hosts map[string]bool // in lower case
}

// A Level is a log level that can be changed.
type Level interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// An Inspector answers requests. Any goroutine may use it.
type Inspector struct {
	Config
	s     *sampler
	slots chan struct{} // one slot for each request in progress
	rate  bucket
}

// New makes an Inspector. It panics if there are no loops, if a loop is nil, or if a loop is listed
// twice.
func New(c Config) *Inspector {
	return &Inspector{Config: c, s: newSampler(c.Loops), slots: make(chan struct{}, atOnce), rate: bucket{left: burst}}
}

// A Request is a request of a client.
type Request struct {
	Method string
	Host   string
	Path   string
	Query  string // the query, still encoded
	Header func(name string) string
	Body   io.Reader
}

// A Response is the answer to a Request.
type Response struct {
	Code   int
	Header map[string]string
	Body   []byte
}

// These are the status codes of answers (RFC 9110).
const (
	codeOK               = 200
	codeBadRequest       = 400
	codeForbidden        = 403
	codeNotFound         = 404
	codeMethodNotAllowed = 405
	codeConflict         = 409
	codeMisdirected      = 421
	codeUnavailable      = 503
	codeGatewayTimeout   = 504
)

// Serve answers a request.
func (h *Inspector) Serve(r *Request) *Response {
	w := &Response{Code: codeOK, Header: map[string]string{
		"Cache-Control": "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		// With the policy "no-referrer", the browser would send "Origin: null" with a form.
		"Referrer-Policy":        "same-origin",
		"X-Content-Type-Options": "nosniff",
	}}
	if !h.knows(r.Host) {
		w.fail(codeMisdirected, "the host name is not known; use an IP address or localhost, or see inspect.WithHost")
		return w
	}
	name := path.Base(r.Path)
	if strings.HasSuffix(r.Path, "/") || r.Path == "" {
		name = ""
	}
	switch name {
	case "do":
		h.do(w, r)
	case "style.css":
		w.send("text/css", []byte(style))
	case "script.js":
		w.send("text/javascript", []byte(script))
	default:
		h.limited(w, r, "GET", func(w *Response, r *Request) { h.show(w, r, name) })
	}
	return w
}

// send sets content type and body of the answer.
func (w *Response) send(kind string, body []byte) {
	w.Header["Content-Type"] = kind + "; charset=utf-8"
	w.Body = body
}

// fail answers with one line of text. The text must not come from the client.
func (w *Response) fail(code int, text string) {
	w.Code = code
	w.send("text/plain", []byte(text+"\n"))
}

func (w *Response) sendJSON(v view) {
	w.send("application/json", append(appendJSON(nil, reflect.ValueOf(v)), '\n'))
}

// knows reports whether host is an IP address, localhost, or a name that was given to WithHost. The
// request of an attacker's page cannot have such a Host header.
func (h *Inspector) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || h.Hosts[host] {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// limited serves a request, unless too many requests are in progress or have come in this second.
func (h *Inspector) limited(w *Response, r *Request, method string, serve func(*Response, *Request)) {
	if r.Method != method && (method != "GET" || r.Method != "HEAD") {
		w.Header["Allow"] = method
		w.fail(codeMethodNotAllowed, "the method must be "+method)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.busy()
		return
	}
	if !h.rate.take(time.Now()) {
		w.busy()
		return
	}
	serve(w, r)
}

func (w *Response) busy() {
	w.Header["Retry-After"] = "1"
	w.fail(codeUnavailable, "too many requests; try again in a second")
}

// A view is the content of a page. Its JSON form contains the fields with a JSON name.
type view interface {
	title() string
	write(p *page)
}

// show answers with a page, with a part of the page for the script, or with JSON.
func (h *Inspector) show(w *Response, r *Request, name string) {
	q, err := url.ParseQuery(r.Query)
	if err != nil {
		w.fail(codeBadRequest, "the query must be name=value&name=value, with each % as %25")
		return
	}
	h.s.look()
	v, err := h.view(name, q)
	var missing notFound
	switch {
	case errors.As(err, &missing):
		w.fail(codeNotFound, err.Error())
	case err != nil:
		w.fail(codeBadRequest, err.Error())
	case q.Get("format") == "json":
		w.sendJSON(v)
	case r.Header("X-Part") != "":
		p := &page{h: h, name: name}
		v.write(p)
		w.send("text/html", p.b)
	default:
		p := &page{h: h, name: name}
		p.whole(v)
		w.send("text/html", p.b)
	}
}

// A notFound is the error if an object or a page does not exist. Any other error of a view means
// that the query is wrong.
type notFound string

func (e notFound) Error() string { return string(e) }

// view returns the content of the page with this name.
func (h *Inspector) view(name string, q url.Values) (view, error) {
	switch name {
	case "":
		return h.overview(), nil
	case "conns":
		return h.conns(q)
	case "conn":
		return h.conn(q.Get("id"))
	case "tasks":
		return h.tasks(), nil
	case "task":
		return h.task(q.Get("id"))
	case "events":
		return h.events(), nil
	case "loop":
		return h.loop(q.Get("id"))
	}
	return nil, notFound("no such page")
}
