package frame_test

import (
	"context"
	"io"
	"log"
	"net"

	"github.com/ureactor/ureactor/reactor"
)

// serve runs a server for one client, which sends text. It returns the server's answer.
func serve(accept func(*reactor.Conn) reactor.Handler, text string) string {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", accept)
	if err != nil {
		log.Fatal(err)
	}
	answer := make(chan string)
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		p, _ := io.ReadAll(c)
		_ = c.Close()
		r.Close()
		answer <- string(p)
	}()
	_ = r.Run(context.Background())
	return <-answer
}
