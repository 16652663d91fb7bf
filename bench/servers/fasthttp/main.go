// fasthttp, as its documentation has it: a goroutine from its pool for each connection, and its own
// parser.
package main

import (
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	l, err := net.Listen(o.Network, o.Address)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	s := &fasthttp.Server{ReadTimeout: o.Patience, IdleTimeout: time.Minute, Handler: func(c *fasthttp.RequestCtx) {
		c.SetContentType("text/plain")
		c.SetBodyString(serve.Hello)
	}}
	serve.Fail(s.Serve(l))
}
