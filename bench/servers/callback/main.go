// Ours in callback style: the reactor calls Data with what it has read, Send corks the answer.
package main

import (
	"context"
	"flag"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
)

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte)    { c.Send(p) }
func (echo) Closed(c *reactor.Conn, err error) {}

func main() {
	flag.Parse()
	r, err := reactor.New()
	if err != nil {
		serve.Fail(err)
	}
	l, err := r.Listen("tcp", serve.Address(flag.Args()), func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		serve.Fail(err)
	}
	serve.Listening(l.Addr())
	if err := r.Run(context.Background()); err != nil {
		serve.Fail(err)
	}
}
