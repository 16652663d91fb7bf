// A server with netpoll. It has one poller. OnRequest runs on a goroutine of netpoll's pool, and
// passes the input to the writer without copying it.
package main

import (
	"context"
	"io"
	"time"

	"github.com/cloudwego/netpoll"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	o.Only("tcp", "unix")
	serve.Try(netpoll.Configure(netpoll.Config{PollerNum: 1, LoggerOutput: io.Discard}))
	l, err := netpoll.CreateListener(o.Network, o.Address)
	serve.Try(err)
	loop, err := netpoll.NewEventLoop(func(_ context.Context, c netpoll.Connection) error {
		in := c.Reader()
		p, err := in.Next(in.Len())
		if err != nil {
			return err
		}
		if o.Panic && len(p) > 0 && p[0] == serve.Bang {
			panic("as asked")
		}
		out := c.Writer()
		if _, err := out.WriteBinary(p); err != nil { // from 4 KiB on it keeps p until Flush
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return in.Release()
	})
	serve.Try(err)
	o.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		loop.Shutdown(limit)
	})
	serve.Listening(l.Addr().String())
	serve.Try(loop.Serve(l))
}
