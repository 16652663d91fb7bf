// Our server in task style. Each connection has a coroutine on the loop, which blocks in Data and
// SendAll.
package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

type server struct {
	serve.Options
	r *reactor.Reactor
}

func main() {
	s := &server{Options: serve.Parse()}
	var opts []reactor.Option
	if s.Panic {
		opts = append(opts, reactor.WithPanicHandler(func(*reactor.Conn, any, []byte) {}))
	}
	var err error
	s.r, err = reactor.New(opts...)
	serve.Try(err)
	s.AtStop(func() {
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s.r.Shutdown(limit)
	})
	switch s.Protocol {
	case "tls":
		s.listen(s.secure())
	case "http":
		s.listen(s.greet)
	case serve.WebSocket, serve.Deflate:
		s.listen(s.messages())
	default:
		s.echoes()
	}
	serve.Try(s.r.Run(context.Background()))
}

func (s *server) echoes() {
	family, typ, proto := s.Kind()
	l, err := socket.NewOn(s.r, family, typ, proto)
	serve.Try(err)
	s.ListenOn(l)
	if s.Network == "udp" {
		s.r.Go(func(*reactor.Task) { packets(l) })
	} else {
		s.r.Go(func(t *reactor.Task) { s.accept(t, l) })
	}
}

// accept waits and tries again if no descriptor is free. The drain ends it.
func (s *server) accept(t *reactor.Task, l *socket.Socket) {
	defer l.Close()
	for {
		c, _, err := l.Accept()
		if err != nil {
			if errors.Is(err, syscall.ECANCELED) || t.Sleep(100*time.Millisecond) != nil {
				return
			}
			continue
		}
		t.Go(func(*reactor.Task) {
			if s.Panic {
				defer c.Close()
			}
			if s.Protocol == "frame" {
				s.framed(c)
				return
			}
			s.echo(c)
		})
	}
}

// echo has no defer. Without this frame the stack of an idle connection stays at 2 KiB.
func (s *server) echo(c *socket.Socket) {
	for {
		p, err := c.Data()
		if err != nil {
			s.end(c, err)
			return
		}
		if s.Panic && p[0] == serve.Bang {
			panic("as asked")
		}
		if _, err := c.SendAll(p); err != nil {
			c.Close()
			return
		}
	}
}

// end closes the connection. If the server is stopping, the reactor delivers the remaining output.
func (s *server) end(c *socket.Socket, err error) {
	if errors.Is(err, syscall.ECANCELED) {
		if fd, err := c.Detach(); err == nil {
			s.r.Retire(fd)
		}
		return
	}
	c.Close()
}

func packets(c *socket.Socket) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.RecvFromInto(buf)
		serve.Try(err)
		c.SendTo(buf[:n], from)
	}
}
