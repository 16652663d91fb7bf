//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

const (
	lineMax   = 1 << 10   // a longer line is split into several
	behindMax = 256 << 10 // a client with more unread output is dropped
)

func main() {
	addr := "127.0.0.1:6667"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	s, err := newServer(addr)
	if err != nil {
		log.Fatal(err)
	}
	at, _ := s.listener.LocalAddr()
	log.Print("listening on ", at)
	log.Fatal(s.run())
}

type server struct {
	poll     *sel.Poll
	listener *socket.Socket
	clients  map[*socket.Socket]*client
	names    int
	buf      [16 << 10]byte
}

// A client receives the lines of the others. After its half-close it still receives the lines that
// were sent before.
type client struct {
	s     *socket.Socket
	name  string
	line  []byte // the beginning of a line
	out   []byte // output that the kernel has not accepted yet
	ended bool   // the client has half-closed
}

func newServer(addr string) (*server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	list, err := socket.GetAddrInfo(host, port, 0, socket.SOCK_STREAM, 0, 0)
	if err != nil {
		return nil, err
	}
	l, err := socket.New(list[0].Family, socket.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	s := &server{poll: sel.New(), listener: l, clients: map[*socket.Socket]*client{}}
	for _, err := range []error{
		l.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
		l.Bind(list[0].Addr),
		l.Listen(socket.DefaultBacklog),
		l.SetBlocking(false),
		s.poll.Register(l, sel.POLLIN),
	} {
		if err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// close ends run. Any goroutine may call it.
func (s *server) close() { _ = s.poll.Close() }

// run serves until close is called.
func (s *server) run() error {
	defer func() {
		_ = s.listener.Close()
		for _, c := range s.clients {
			_ = c.s.Close()
		}
	}()
	for {
		ready, err := s.poll.IPoll(-1, 0)
		if err != nil {
			return err
		}
		for obj, events := range ready {
			if obj == s.listener {
				s.accept()
			} else if c := s.clients[obj.(*socket.Socket)]; c != nil { // nil if it was dropped meanwhile
				s.serve(c, events)
			}
		}
	}
}

func (s *server) accept() {
	conn, _, err := s.listener.Accept()
	if errors.Is(err, syscall.EAGAIN) {
		return // the connection was reset meanwhile
	}
	if err != nil { // no descriptor is free: clients wait in the backlog
		log.Print(err)
		time.Sleep(100 * time.Millisecond)
		return
	}
	s.names++
	c := &client{s: conn, name: fmt.Sprint("guest", s.names)}
	if err := errors.Join(conn.SetBlocking(false), s.poll.Register(conn, sel.POLLIN)); err != nil {
		log.Print(err)
		_ = conn.Close()
		return
	}
	s.clients[conn] = c
	s.say(nil, "* "+c.name+" is here")
}

// serve reads and writes if the client is ready for it.
func (s *server) serve(c *client, events sel.Events) {
	if events&sel.POLLOUT != 0 {
		s.flush(c)
	}
	if events&^sel.POLLOUT != 0 && s.clients[c.s] == c {
		s.hear(c)
	}
}

// hear reads once. If more input is left, the next poll reports it.
func (s *server) hear(c *client) {
	n, err := c.s.RecvInto(s.buf[:])
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return
	case err != nil:
		s.drop(c, "is gone")
		return
	case n == 0 && c.ended:
		// This is the second end of input. It follows an error that another call has returned.
		s.drop(c, "is gone")
		return
	case n == 0:
		c.ended = true
		if len(c.line) > 0 {
			s.say(c, c.name+": "+string(c.line))
		}
		if s.clients[c.s] == c {
			s.flush(c)
		}
		return
	}
	c.line = append(c.line, s.buf[:n]...)
	left := c.line
	for s.clients[c.s] == c {
		// This loop ends when no whole line is left, or when the client is dropped because it is too far
		// behind.
		i := bytes.IndexByte(left[:min(len(left), lineMax+1)], '\n')
		if i < 0 && len(left) < lineMax {
			break
		}
		if i < 0 {
			i = lineMax - 1
		}
		line := bytes.TrimRight(left[:i+1], "\r\n")
		s.say(c, c.name+": "+string(line))
		left = left[i+1:]
	}
	c.line = append(c.line[:0], left...) // one copy for all lines of a read
}

// say sends a line to all other clients. It never waits: a client that is too far behind is
// dropped.
func (s *server) say(from *client, text string) {
	var slow []*client
	for _, c := range s.clients {
		if c == from || c.ended {
			continue
		}
		waits := len(c.out) > 0 // then POLLOUT will come, and a send would return EAGAIN
		c.out = append(append(c.out, text...), '\n')
		if len(c.out) > behindMax {
			slow = append(slow, c)
		} else if !waits {
			s.flush(c)
		}
	}
	for _, c := range slow {
		if s.clients[c.s] == c {
			s.drop(c, "was too slow")
		}
	}
}

// flush sends as much as fits. If output is left, it requests POLLOUT.
func (s *server) flush(c *client) {
	n, err := c.s.SendAll(c.out) // non-blocking: it sends what fits, and returns EAGAIN
	if c.out = c.out[n:]; len(c.out) == 0 {
		c.out = nil
	}
	mask := sel.Events(0)
	if !c.ended {
		mask |= sel.POLLIN
	}
	switch {
	case err == nil && c.ended:
		s.drop(c, "has left")
		return
	case errors.Is(err, syscall.EAGAIN):
		mask |= sel.POLLOUT
	case err != nil:
		// The client has an error or an end of input to read. It will be closed then. It must not be
		// closed here, because say may be the caller.
		mask |= sel.POLLIN
		c.out = nil
	}
	if err := s.poll.Modify(c.s, mask); err != nil {
		log.Print(err)
	}
}

func (s *server) drop(c *client, why string) {
	delete(s.clients, c.s)
	_ = s.poll.Unregister(c.s)
	_ = c.s.Close()
	s.say(nil, "* "+c.name+" "+why)
}
