// Our server in goroutine style. Each connection has a goroutine that parks in Data and SendAll.
package main

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/websocket"
)

func main() {
	o := serve.Parse()
	if o.Protocol != "" {
		conns(o)
	}
	l, err := socket.New(o.Kind())
	serve.Try(err)
	o.ListenOn(l)
	if o.Network == "udp" {
		packets(l)
	}
	for {
		c, _, err := l.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond) // no descriptor or no memory is free, but later some will be
			continue
		}
		if o.Panic {
			go explosive(c)
		} else {
			go echo(c)
		}
	}
}

// conns serves net.Conns, which TLS and HTTP use.
func conns(o serve.Options) {
	l, err := netconn.Listen(o.Network, o.Address)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	if o.Protocol == "http" {
		serve.Fail(o.HTTP(l))
	}
	if o.Protocol == serve.WebSocket || o.Protocol == serve.Deflate {
		messages(o, l)
	}
	cfg := serve.TLS()
	o.EchoTLS(l, func(c net.Conn) serve.Secured { return netconn.Server(c, cfg) })
}

func messages(o serve.Options, l net.Listener) {
	w, err := websocket.NewServer(nil, o.WebSocketOptions()...)
	serve.Try(err)
	for {
		nc, err := l.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go func() {
			if c, err := w.Stream(nc); err == nil {
				serve.EchoMessages(c)
			}
		}()
	}
}

func echo(c *socket.Socket) {
	defer c.Close()
	for {
		p, err := c.Data()
		if err != nil {
			return
		}
		if _, err := c.SendAll(p); err != nil {
			return
		}
	}
}

// explosive panics if a message asks for it. No library runs this goroutine, so its own code must
// call recover.
func explosive(c *socket.Socket) {
	defer c.Close()
	defer func() { recover() }()
	for {
		p, err := c.Data()
		if err != nil {
			return
		}
		if p[0] == serve.Bang {
			panic("as asked")
		}
		if _, err := c.SendAll(p); err != nil {
			return
		}
	}
}

func packets(c *socket.Socket) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.RecvFromInto(buf)
		serve.Try(err)
		c.SendTo(buf[:n], from)
	}
}
