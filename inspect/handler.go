package inspect

import (
	"fmt"
	"io"
	"net/http"

	"github.com/ureactor/ureactor/internal/inspector"
	"github.com/ureactor/ureactor/reactor"
)

// Handler returns a handler that shows the given loops: those of Group.Loops, or a single Reactor.
//
//	GET .            the loops: utilization, lag, throughput; what needs attention; listeners
//	GET conns        connections: sort=out, asc=1, q=text, loop=0, page=1, n=100
//	GET conn         one connection: id=
//	GET tasks, task  tasks and the descriptors they wait for; one task with its stack: id=
//	GET events       slow callbacks with stacks, warnings, connections that ended with an error
//	GET loop         the current stack of a loop: id=
//	POST do          an action: see WithActions
//
// format=json returns the same information as JSON. Every answer shows the current state, because
// clients and proxies may not cache it.
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
		_, _ = w.Write(answer.Body) // an error means that the client has disconnected
	})
}

// WriteText writes a picture of the loops for people. It shows what needs attention, the loops,
// listeners, and tasks. It also shows the connections that are stuck longest or have the most
// output waiting. It is for a signal handler or a log. It waits for a loop at most 0.3 s.
func WriteText(to io.Writer, loops []*reactor.Reactor) error { return inspector.WriteText(to, loops) }
