// Our server in poll style. One goroutine asks a Poll for the ready sockets and serves them, as a
// MicroPython server would.
package main

import (
	"errors"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

func main() {
	o := serve.Parse()
	l, err := socket.New(o.Kind())
	serve.Try(err)
	o.ListenOn(l)
	l.SetBlocking(false)
	s := &server{Options: o, poll: sel.New(), unsent: map[*socket.Socket][]byte{}}
	s.poll.Register(l, sel.POLLIN)
	for {
		_, err := s.poll.IPoll(-1, 0)
		serve.Try(err)
		// This calls Next, because a range over the iterator allocates its body.
		for obj, events, ok := s.poll.Next(); ok; obj, events, ok = s.poll.Next() {
			switch c := obj.(*socket.Socket); {
			case c == l && o.Network == "udp":
				s.packets(l)
			case c == l:
				s.accept(l)
			case events&sel.POLLOUT != 0:
				s.send(c, s.unsent[c])
			case o.Panic:
				s.contain(c)
			default:
				s.receive(c)
			}
		}
	}
}

type server struct {
	serve.Options
	poll   *sel.Poll
	buf    [64 << 10]byte
	unsent map[*socket.Socket][]byte // output; a socket is not read until its output is sent
}

// accept waits if no descriptor is free. Otherwise the Poll would report the connection again
// immediately.
func (s *server) accept(l *socket.Socket) {
	c, _, err := l.Accept()
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return
	case err != nil:
		s.poll.Unregister(l)
		time.AfterFunc(100*time.Millisecond, func() { s.poll.Register(l, sel.POLLIN) })
		return
	}
	c.SetBlocking(false)
	if s.poll.Register(c, sel.POLLIN) != nil {
		c.Close()
	}
}

func (s *server) receive(c *socket.Socket) {
	n, err := c.RecvInto(s.buf[:])
	switch {
	case errors.Is(err, syscall.EAGAIN):
	case n == 0:
		s.drop(c)
	case s.Panic && s.buf[0] == serve.Bang:
		panic("as asked")
	default:
		s.send(c, s.buf[:n])
	}
}

// contain calls receive and recovers from a panic, because the loop belongs to the program.
func (s *server) contain(c *socket.Socket) {
	defer func() {
		if recover() != nil {
			s.drop(c)
		}
	}()
	s.receive(c)
}

// packets answers the datagrams that have arrived, up to a bound.
func (s *server) packets(c *socket.Socket) {
	for range 16 {
		n, from, err := c.RecvFromInto(s.buf[:])
		if err != nil {
			return
		}
		c.SendTo(s.buf[:n], from)
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
