package inspect

import (
	"fmt"
	"io"
	"net/http"

	"github.com/ureactor/ureactor/internal/inspector"
	"github.com/ureactor/ureactor/reactor"
)

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
// format=json returns the same as JSON. Every answer shows the present state, because nothing is
// cached.
func Handler(loops []*reactor.Reactor, opts ...Option) http.Handler {
	c := &config{inspector.Config{Loops: loops, Hosts: map[string]bool{}}}
	for i, set := range opts {
		if set == nil {
			panic(fmt.Sprintf("inspect: option %d is nil; leave it out", i))
		}
		set(c)
	}
	in := inspector.New(c.Config)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := in.Serve(&inspector.Request{Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.RawQuery,
			Header: r.Header.Get, Body: r.Body})
		for name, value := range answer.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body) // an error means that the client has left
	})
}

// WriteText writes a picture of the loops for people: what needs attention, the loops, listeners,
// the connections that are stuck longest or have the most output waiting, and tasks. It is for a
// signal handler or a log. It waits at most 0.3 s for a loop.
func WriteText(to io.Writer, loops []*reactor.Reactor) error { return inspector.WriteText(to, loops) }
