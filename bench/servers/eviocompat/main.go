// Our server behind evio's API. It is the evio server with another import.
package main

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	evio "github.com/ureactor/ureactor/eviocompat"
	"github.com/ureactor/ureactor/reactor"
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
	var opts []reactor.Option
	if o.Panic {
		opts = append(opts, reactor.WithPanicHandler(func(*reactor.Conn, any, []byte) {}))
	}
	err := evio.ServeWith(opts, events, o.Network+"://"+o.Address)
	serve.Try(err)
	os.Exit(0)
}
