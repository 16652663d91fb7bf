// Our server in callback style. The reactor calls Data with the input. Send collects the answer,
// which leaves after Data has returned.
package main

import (
	"cmp"
	"context"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/examples/http/h1"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

func main() {
	o := serve.Parse()
	var opts []reactor.Option
	if o.Panic {
		opts = append(opts, reactor.WithPanicHandler(func(*reactor.Conn, any, []byte) {}))
	}
	r, err := reactor.New(opts...)
	serve.Try(err)
	if o.Network == "udp" {
		c, err := r.ListenPacket("udp", o.Address, packetEcho{})
		serve.Try(err)
		serve.Listening(c.LocalAddr().String())
	} else {
		opts := []reactor.ListenOption{}
		if o.Protocol == "http" {
			opts = append(opts, h1.Limits)
		}
		if o.Protocol == "tls" {
			opts = append(opts, netconn.WithHandshakeTimeout(serve.TLS(), o.HandshakeTimeout()))
		}
		l, err := r.Listen(o.Network, o.Address, handler(r, o), opts...)
		serve.Try(err)
		serve.Listening(l.Addr().String())
	}
	flood(r, o.Flood)
	o.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		r.Shutdown(limit) // Run returns the same error
	})
	serve.Try(r.Run(context.Background()))
}

func handler(r *reactor.Reactor, o serve.Options) func(*reactor.Conn) reactor.Handler {
	switch {
	case o.Protocol == "frame":
		return func(c *reactor.Conn) reactor.Handler {
			return &framed{in: c.KeepInput(serve.Frames.MaxSize()), frames: serve.Frames.Reader()}
		}
	case o.Protocol == serve.WebSocket, o.Protocol == serve.Deflate, o.Protocol == serve.Room:
		return messages(r, o)
	case o.Protocol == "http":
		s := &h1.Site{Greeting: serve.Hello, Patience: cmp.Or(o.Patience, time.Minute), Idle: time.Minute}
		return s.Accept
	case o.Panic:
		return func(*reactor.Conn) reactor.Handler { return explosive{} }
	case o.Timers > 0:
		t := &timers{}
		for range o.Timers {
			t.all = append(t.all, r.After(time.Hour, func() {}))
		}
		return func(*reactor.Conn) reactor.Handler { return t }
	}
	return func(*reactor.Conn) reactor.Handler { return echo{} }
}

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte)    { c.Send(p) }
func (echo) Closed(c *reactor.Conn, err error) {}

// explosive panics if a message asks for it.
type explosive struct{ echo }

func (explosive) Data(c *reactor.Conn, p []byte) {
	if p[0] == serve.Bang {
		panic("as asked")
	}
	c.Send(p)
}

// timers has many timers. Each message moves one of them.
type timers struct {
	echo
	all []*reactor.Timer
	at  int
}

func (t *timers) Data(c *reactor.Conn, p []byte) {
	t.all[t.at].Reset(time.Hour)
	if t.at++; t.at == len(t.all) {
		t.at = 0
	}
	c.Send(p)
}

type packetEcho struct{}

func (packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) { c.SendTo(p, from) }
func (packetEcho) Closed(c *reactor.PacketConn, err error)                   {}
