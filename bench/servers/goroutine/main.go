// Ours in goroutine style: a goroutine for each connection, parked in RecvInto and SendAll.
package main

import (
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/socket"
)

func main() {
	o := serve.Parse()
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
