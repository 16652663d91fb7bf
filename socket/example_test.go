//go:build unix

package socket_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// doc/sockets.md and doc/tasks.md contain parts of this file. Package tests/api checks that they
// are equal.

// server listens on loopback and answers one line. The other examples use it.
func server() (addr socket.Addr, stop func()) {
	l, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err == nil {
		err = errors.Join(l.Bind(socket.Tuple("127.0.0.1", 0)), l.Listen(socket.DefaultBacklog))
	}
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, _, err := l.Accept()
		if err != nil {
			return
		}
		line, _ := c.ReadLine()
		c.SendAll(append([]byte("you said "), line...))
		c.Recv(1) // until the client closes
		c.Close()
	}()
	addr, _ = l.LocalAddr()
	return addr, func() { l.Close(); <-ended }
}

// Each call has one deadline. Errors replace exceptions.
func Example() {
	addr, stop := server()
	defer stop()
	s, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.SetTimeoutSeconds(2) // for each call; SetBlocking(true) sets no limit, SetBlocking(false) sets 0
	if err := s.Connect(addr); err != nil {
		log.Fatal(err)
	}
	if _, err := s.SendAll([]byte("hello\n")); err != nil {
		log.Fatal(err)
	}
	line, err := s.ReadLine()
	if errors.Is(err, os.ErrDeadlineExceeded) { // or syscall.ETIMEDOUT
		log.Printf("only %q came in time", line)
	}
	fmt.Printf("%s", line)
	// Output: you said hello
}

// The code of a server in tasks looks as if each task had a thread. One loop runs all of them.
func ExampleNewOn() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
	if err == nil {
		err = errors.Join(l.Bind(socket.Tuple("127.0.0.1", 0)), l.Listen(socket.DefaultBacklog))
	}
	if err != nil {
		log.Fatal(err)
	}
	r.Go(func(t *reactor.Task) {
		for {
			c, _, err := l.Accept() // the task waits, the loop does not
			if err != nil {
				l.Close()
				return // ECANCELED: the reactor shuts down
			}
			t.Go(func(*reactor.Task) { echo(c) })
		}
	})
	r.Go(func(*reactor.Task) { client(r, l) })
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

func echo(c *socket.Socket) {
	defer c.Close()
	for {
		p, err := c.Data() // a slice of the loop's buffer, valid until the task waits
		if err != nil {
			return
		}
		if _, err := c.SendAll(p); err != nil {
			return
		}
	}
}

// client sends a line to the server, reads the answer, and ends the loop.
func client(r *reactor.Reactor, l *socket.Socket) {
	defer r.Close()
	s, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	addr, err := l.LocalAddr()
	if err == nil {
		err = s.Connect(addr)
	}
	if err == nil {
		_, err = s.SendAll([]byte("hello"))
	}
	if err != nil {
		log.Fatal(err)
	}
	p, err := s.Recv(100)
	fmt.Printf("%s\n", p)
	if err != nil {
		log.Fatal(err)
	}
}
