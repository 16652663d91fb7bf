// Ours in goroutine style: a goroutine for each connection, parked in RecvInto and SendAll.
package main

import (
	"flag"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/socket"
)

func main() {
	size := flag.Int("buffer", 64<<10, "read buffer of each connection in bytes")
	flag.Parse()
	l, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		serve.Fail(err)
	}
	serve.ListenOn(l, flag.Args())
	for {
		c, _, err := l.Accept()
		if err != nil {
			serve.Fail(err)
		}
		go echo(c, *size)
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
