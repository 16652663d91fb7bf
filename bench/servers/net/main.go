// The echo server of the standard library: one goroutine for each connection, blocking in Read and Write.
package main

import (
	"flag"
	"net"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	size := flag.Int("buffer", 64<<10, "read buffer of each connection in bytes")
	flag.Parse()
	l, err := net.Listen("tcp", serve.Address(flag.Args()))
	if err != nil {
		serve.Fail(err)
	}
	serve.Listening(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			serve.Fail(err)
		}
		go echo(c, *size)
	}
}

func echo(c net.Conn, size int) {
	defer c.Close()
	buf := make([]byte, size)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}
