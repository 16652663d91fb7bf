package main

import (
	"bufio"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

// listen serves net.Conns of the loop, which TLS and HTTP use. Each has a task.
func (s *server) listen(handle func(net.Conn)) {
	l, err := netconn.On(s.r).Listen(s.Network, s.Address)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	s.r.Go(func(t *reactor.Task) {
		for {
			c, err := l.Accept()
			if err != nil {
				if t.Sleep(100*time.Millisecond) != nil { // no descriptor or no memory
					return
				}
				continue
			}
			t.Go(func(*reactor.Task) { handle(c) })
		}
	})
}

func (s *server) secure() func(net.Conn) {
	cfg := serve.TLS()
	return func(c net.Conn) {
		s.ServeTLS(netconn.Server(c, cfg), nil)
	}
}

// messages returns a function that serves WebSocket.
func (s *server) messages() func(net.Conn) {
	w, err := websocket.NewServer(nil, s.WebSocketOptions()...)
	serve.Try(err)
	return func(nc net.Conn) {
		if c, err := w.Stream(nc); err == nil {
			serve.EchoMessages(c)
		}
	}
}

const maxRequest = 2 << 20

// greet answers requests that the parser of net/http reads.
func (s *server) greet(c net.Conn) {
	defer c.Close()
	limit := &io.LimitedReader{R: c}
	in := bufio.NewReader(limit)
	var answer []byte
	for first, more := true, true; more; first = false {
		if s.Patience > 0 { // for the head of a request; between two requests there is no limit
			if c.SetReadDeadline(time.Time{}); !first {
				in.Peek(1)
			}
			c.SetReadDeadline(time.Now().Add(s.Patience))
		}
		limit.N = maxRequest // net/http's parser has no limit of its own
		answer, more = serve.Answer(in, answer[:0])
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
