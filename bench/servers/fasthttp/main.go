// A server with fasthttp, written as its documentation shows. Each connection has a goroutine from
// fasthttp's pool and fasthttp's own parser.
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
