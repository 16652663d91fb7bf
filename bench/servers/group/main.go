// Our server with several loops in a reactor.Group. Each loop has its own socket at the address.
package main

import (
	"context"
	"flag"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
)

func main() {
	loops := flag.Int("loops", 2, "event loops")
	o := serve.Parse()
	var opts []reactor.Option
	if o.Panic {
		opts = append(opts, reactor.WithPanicHandler(func(*reactor.Conn, any, []byte) {}))
	}
	g, err := reactor.NewGroup(*loops, opts...)
	serve.Try(err)
	l, err := listen(g, o)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	o.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		g.Shutdown(limit) // Run returns the same error
	})
	serve.Try(g.Run(context.Background()))
}

func listen(g *reactor.Group, o serve.Options) (*reactor.GroupListener, error) {
	if o.Network == "udp" {
		return g.ListenPacket("udp", o.Address, func(*reactor.PacketConn) reactor.PacketHandler { return packetEcho{} })
	}
	return g.Listen(o.Network, o.Address, func(*reactor.Conn) reactor.Handler { return echo{o.Panic} })
}

type echo struct{ explosive bool }

func (e echo) Data(c *reactor.Conn, p []byte) {
	if e.explosive && p[0] == serve.Bang {
		panic("as asked")
	}
	c.Send(p)
}

func (echo) Closed(c *reactor.Conn, err error) {}

type packetEcho struct{}

func (packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) { c.SendTo(p, from) }
func (packetEcho) Closed(c *reactor.PacketConn, err error)                   {}
