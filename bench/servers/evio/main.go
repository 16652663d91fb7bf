// A server with evio. One loop owns the connections, and Data returns the answer.
package main

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/tidwall/evio"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	events := evio.Events{
		NumLoops: 1,
		Serving: func(s evio.Server) evio.Action {
			serve.Listening(s.Addrs[0].String())
			return evio.None
		},
		// All connections share one input buffer. Otherwise each message would be copied.
		Opened: func(evio.Conn) ([]byte, evio.Options, evio.Action) {
			return nil, evio.Options{ReuseInputBuffer: true}, evio.None
		},
		Data: func(c evio.Conn, in []byte) ([]byte, evio.Action) {
			if o.Panic && len(in) > 0 && in[0] == serve.Bang {
				panic("as asked")
			}
			return in, evio.None
		},
	}
	var stop atomic.Bool
	if o.Stop { // only an event can return Shutdown, so an event must check for it
		events.Tick = func() (time.Duration, evio.Action) {
			if stop.Load() {
				return 0, evio.Shutdown
			}
			return 20 * time.Millisecond, evio.None
		}
	}
	o.AtStop(func() { stop.Store(true) })
	err := evio.Serve(events, o.Network+"://"+o.Address)
	serve.Try(err)
	os.Exit(0)
}
