// Ours in task style: a coroutine on the loop for each connection, blocking in RecvInto and SendAll.
package main

import (
	"context"
	"flag"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

func main() {
	size := flag.Int("buffer", 64<<10, "read buffer of each connection in bytes")
	flag.Parse()
	r, err := reactor.New()
	if err != nil {
		serve.Fail(err)
	}
	l, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		serve.Fail(err)
	}
	serve.ListenOn(l, flag.Args())
	r.Go(func(t *reactor.Task) {
		for {
			c, _, err := l.Accept()
			if err != nil {
				serve.Fail(err)
			}
			t.Go(func(*reactor.Task) {
				buf := buffer(*size)
				echo(c, buf)
				free = append(free, buf)
			})
		}
	})
	if err := r.Run(context.Background()); err != nil {
		serve.Fail(err)
	}
}

// free is the buffers of those who have left: tasks never run at the same time, so it needs no lock.
var free [][]byte

func buffer(size int) []byte {
	n := len(free)
	if n == 0 {
		return make([]byte, size)
	}
	buf := free[n-1]
	free = free[:n-1]
	return buf
}

func echo(c *socket.Socket, buf []byte) {
	defer c.Close()
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
