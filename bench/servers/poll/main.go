// Ours in poll style: one goroutine asks a Poll what is ready and does that, as a MicroPython server would.
package main

import (
	"errors"
	"flag"
	"syscall"

	"github.com/ureactor/ureactor/bench/servers/serve"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

func main() {
	flag.Parse()
	l, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		serve.Fail(err)
	}
	serve.ListenOn(l, flag.Args())
	l.SetBlocking(false)
	s := &server{poll: sel.New(), unsent: map[*socket.Socket][]byte{}}
	s.poll.Register(l, sel.POLLIN)
	for {
		ready, err := s.poll.IPoll(-1, 0)
		if err != nil {
			serve.Fail(err)
		}
		for obj, events := range ready {
			switch c := obj.(*socket.Socket); {
			case c == l:
				s.accept(l)
			case events&sel.POLLOUT != 0:
				s.send(c, s.unsent[c])
			default:
				s.receive(c)
			}
		}
	}
}

type server struct {
	poll   *sel.Poll
	buf    [64 << 10]byte
	unsent map[*socket.Socket][]byte // of those that are not read until it has gone
}

func (s *server) accept(l *socket.Socket) {
	c, _, err := l.Accept()
	if err == nil {
		c.SetBlocking(false)
		err = s.poll.Register(c, sel.POLLIN)
	}
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		serve.Fail(err)
	}
}

func (s *server) receive(c *socket.Socket) {
	n, err := c.RecvInto(s.buf[:])
	switch {
	case errors.Is(err, syscall.EAGAIN):
	case n == 0:
		s.drop(c)
	default:
		s.send(c, s.buf[:n])
	}
}

func (s *server) send(c *socket.Socket, p []byte) {
	n, err := c.SendAll(p)
	_, waited := s.unsent[c]
	switch {
	case err == nil && waited:
		delete(s.unsent, c)
		s.poll.Modify(c, sel.POLLIN)
	case err == nil:
	case !errors.Is(err, syscall.EAGAIN):
		s.drop(c)
	case waited:
		s.unsent[c] = p[n:]
	default:
		s.unsent[c] = append([]byte(nil), p[n:]...)
		s.poll.Modify(c, sel.POLLOUT)
	}
}

func (s *server) drop(c *socket.Socket) {
	delete(s.unsent, c)
	s.poll.Unregister(c)
	c.Close()
}
