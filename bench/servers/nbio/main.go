// A server with nbio. It has one level-triggered poller, which reads and calls OnData.
package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	logging.SetLevel(logging.LevelNone)
	if o.Protocol != "" {
		messages(o)
	}
	at := o.Fixed()
	e := nbio.NewEngine(nbio.Config{Network: o.Network, Addrs: []string{at}, NPoller: 1, ReadBufferSize: 64 << 10,
		EpollMod: nbio.EPOLLLT})
	e.OnData(func(c *nbio.Conn, p []byte) {
		if o.Panic && p[0] == serve.Bang {
			panic("as asked")
		}
		c.Write(p)
	})
	serve.Try(e.Start())
	o.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		e.Shutdown(limit)
		os.Exit(0)
	})
	serve.Listening(at)
	var forever sync.WaitGroup
	forever.Add(1)
	forever.Wait()
}
