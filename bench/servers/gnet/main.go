// A server with gnet. It has one event loop. OnTraffic writes the input back without copying it.
package main

import (
	"context"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

type server struct {
	gnet.BuiltinEventEngine
	serve.Options
	eng gnet.Engine
	at  string
}

func main() {
	s := &server{Options: serve.Parse()}
	s.at = s.Fixed()
	s.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s.eng.Stop(limit)
	})
	serve.Try(gnet.Run(s, s.Network+"://"+s.at, gnet.WithNumEventLoop(1), gnet.WithReadBufferCap(64<<10),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay), gnet.WithLogLevel(logging.ErrorLevel)))
}

func (s *server) OnBoot(eng gnet.Engine) gnet.Action {
	s.eng = eng
	serve.Listening(s.at)
	return gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	p, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if s.Panic && len(p) > 0 && p[0] == serve.Bang {
		panic("as asked")
	}
	c.Write(p)
	return gnet.None
}
