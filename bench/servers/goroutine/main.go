// Ours in goroutine style: a goroutine for each connection, parked in RecvInto and SendAll.
package main

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
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
			time.Sleep(100 * time.Millisecond) // no descriptor, or no memory: they come back
			continue
		}
		if o.Panic {
			go explosive(c, o.Buffer)
		} else {
			go echo(c, o.Buffer)
		}
	}
}

// conns serves net.Conns: for what is above them, TLS and HTTP.
func conns(o serve.Options) {
	l, err := netconn.Listen(o.Network, o.Address)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	if o.Protocol == "http" {
		serve.Fail(o.HTTP(l))
	}
	cfg := serve.TLS()
	o.EchoTLS(l, func(c net.Conn) serve.Secured { return netconn.Server(c, cfg) })
}

func echo(c *socket.Socket, size int) {
	defer c.Close()
	buf := make([]byte, size)
	for {
		n, err := c.RecvInto(buf)
		if n == 0 || err != nil {
			return
		}
		if _, err := c.SendAll(buf[:n]); err != nil {
			return
		}
	}
}

// explosive panics as it is told; the goroutine is the user's, and so is the recover.
func explosive(c *socket.Socket, size int) {
	defer c.Close()
	defer func() { recover() }()
	buf := make([]byte, size)
	for {
		n, err := c.RecvInto(buf)
		if n == 0 || err != nil {
			return
		}
		if buf[0] == serve.Bang {
			panic("as asked")
		}
		c.SendAll(buf[:n])
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
