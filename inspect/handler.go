package inspect

import (
	_ "embed"
	"net"
	"net/http"
	"net/netip"
	"path"
	"reflect"
	"strconv"
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
	perSecond = 50  // requests of pages that are served in a second
	burst     = 100 // the same at once, after a pause
)

type handler struct {
	s     *sampler
	token string
	level Level
	hosts map[string]bool
	slots chan struct{} // one for each request that is served
	rate  bucket
}

// Handler returns a handler that shows the loops: those of Group.Loops, or a single Reactor's.
//
//	GET .            the loops: utilization, lag, throughput; what needs attention; listeners
//	GET conns        connections: sort=out, asc=1, q=text, loop=0, page=1, n=100
//	GET conn         one connection: id=
//	GET tasks, task  tasks and the descriptors they wait for; one task with its stack: id=
//	GET events       slow callbacks with stacks, warnings, connections that ended with an error
//	GET loop         the present stack of a loop: id=
//	POST do          an action; see WithActions
//
// format=json returns the same as JSON. Every answer is of this moment: nothing is cached.
func Handler(loops []*reactor.Reactor, opts ...Option) http.Handler {
	h := &handler{s: newSampler(loops), hosts: map[string]bool{}, slots: make(chan struct{}, atOnce),
		rate: bucket{left: burst}}
	for i, set := range opts {
		if set == nil {
			panic("inspect: option " + strconv.Itoa(i) + " is nil; leave it out")
		}
		set(h)
	}
	return h
}

// A view is what a page shows. Its fields with a name for JSON are what the page has as JSON.
type view interface {
	title() string
	write(p *page)
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	if !h.knows(r.Host) {
		fail(w, http.StatusMisdirectedRequest, "the host name is not known; use an IP address or localhost, or see inspect.WithHost")
		return
	}
	name := path.Base(r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "" {
		name = ""
	}
	if name == "do" {
		h.limited(w, r, http.MethodPost, h.do)
		return
	}
	switch name {
	case "style.css":
		asset(w, "text/css", style)
		return
	case "script.js":
		asset(w, "text/javascript", script)
		return
	}
	h.limited(w, r, http.MethodGet, func(w http.ResponseWriter, r *http.Request) { h.show(w, r, name) })
}

// knows returns whether the Host of a request is one that an attacker's page cannot have.
func (h *handler) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || h.hosts[host] {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// limited serves a request, unless there are too many.
func (h *handler) limited(w http.ResponseWriter, r *http.Request, method string, serve http.HandlerFunc) {
	if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
		w.Header().Set("Allow", method)
		fail(w, http.StatusMethodNotAllowed, "the method must be "+method)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		h.busy(w)
		return
	}
	if !h.rate.take(time.Now()) {
		h.busy(w)
		return
	}
	serve(w, r)
}

func (h *handler) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	fail(w, http.StatusServiceUnavailable, "too many requests; try again in a second")
}

func asset(w http.ResponseWriter, kind, text string) {
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = w.Write([]byte(text)) // the client may have left
}

// show serves a page, or a part of it for the script, or JSON.
func (h *handler) show(w http.ResponseWriter, r *http.Request, name string) {
	q := r.URL.Query()
	h.s.look()
	var v view
	var why string
	switch name {
	case "":
		v = h.overview()
	case "conns":
		v, why = h.conns(q)
	case "conn":
		v, why = h.conn(q.Get("id"))
	case "tasks":
		v = h.tasks()
	case "task":
		v, why = h.task(q.Get("id"))
	case "events":
		v = h.events()
	case "loop":
		v, why = h.loop(q.Get("id"))
	default:
		fail(w, http.StatusNotFound, "no such page")
		return
	}
	if v == nil {
		fail(w, http.StatusNotFound, why)
		return
	}
	if q.Get("format") == "json" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(appendJSON(nil, reflect.ValueOf(v)), '\n')) // the client may have left
		return
	}
	p := &page{h: h, name: name}
	if r.Header.Get("X-Part") != "" {
		v.write(p)
	} else {
		p.whole(v)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(p.b)
}

// fail answers with one line. The text is ours, or escaped.
func fail(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}
