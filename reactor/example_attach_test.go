//go:build unix

package reactor_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"

	"github.com/ureactor/ureactor/reactor"
)

// greet reads the first line on a goroutine, and leaves the rest of the stream to the loop.
func greet(r *reactor.Reactor, l net.Listener) {
	nc, err := l.Accept()
	if err != nil {
		log.Fatal(err)
	}
	in := bufio.NewReader(nc)
	line, err := in.ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print("a goroutine has read ", line)
	read, _ := in.Peek(in.Buffered())
	err = r.Post(func() { // only the loop may call AttachConn
		if _, err := r.AttachConn(nc, read, echo{}); err != nil {
			log.Print(err)
			nc.Close()
		}
	})
	if err != nil {
		log.Fatal(err)
	}
}

// A goroutine reads a line from a connection of package net. Then the connection becomes a Conn of
// the loop. Data first gets the bytes behind the line.
func ExampleReactor_AttachConn() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go greet(r, l)

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "hello\nand more\n")
	answer, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print("the loop has answered ", answer)
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output:
	// a goroutine has read hello
	// the loop has answered and more
}
