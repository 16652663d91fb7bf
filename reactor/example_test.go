//go:build unix

package reactor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// The README and the pages in doc/ contain parts of the files example*_test.go. Package tests/api
// checks that they are equal.

type echo struct{} // keeps nothing, so one value serves every connection

func (echo) Data(c *reactor.Conn, p []byte)    { _ = c.Send(p) }
func (echo) Closed(c *reactor.Conn, err error) {}

func Example() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	fmt.Print(ask(l.Addr(), "hello\n"))
	_ = r.Shutdown(context.Background())
	// Output: hello
}

// ask is a client of package net. It sends the text, half-closes, and returns everything that it
// receives.
func ask(addr net.Addr, text string) string {
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text)
	_ = c.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(c)
	if err != nil {
		log.Fatal(err)
	}
	return string(answer)
}

// A Timer that arms itself again ticks regularly.
func ExampleReactor_After() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	left := 3
	var t *reactor.Timer
	t = r.After(time.Millisecond, func() {
		fmt.Println("tick")
		if left--; left == 0 {
			r.Close() // ends Run
			return
		}
		t.Reset(time.Millisecond)
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// tick
	// tick
	// tick
}

// Work that blocks runs on a goroutine of its own. Post passes its result to the loop.
type asker struct {
	asked int  // how many questions have no answer yet
	ended bool // the peer sends no more questions
}

func (h *asker) Data(c *reactor.Conn, p []byte) {
	question := string(p) // p is the loop's buffer: the goroutine needs a copy
	h.asked++
	go func() {
		answer := compute(question)
		_ = c.Reactor().Post(func() { // on the loop again; h and c may be touched
			h.asked--
			_ = c.Send([]byte(answer)) // returns ErrClosed if c has closed meanwhile
			h.closeWhenDone(c)
		})
	}()
}

func (h *asker) EOF(c *reactor.Conn) {
	h.ended = true
	h.closeWhenDone(c)
}

func (h *asker) closeWhenDone(c *reactor.Conn) {
	if h.ended && h.asked == 0 {
		_ = c.Close()
	}
}

func (h *asker) Closed(c *reactor.Conn, err error) {}

func compute(s string) string { return strings.ToUpper(s) }

func ExampleReactor_Post() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return &asker{} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	fmt.Print(ask(l.Addr(), "hello\n"))
	_ = r.Shutdown(context.Background())
	// Output: HELLO
}

type packetEcho struct{}

func (packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) { _ = c.SendTo(p, from) }
func (packetEcho) Closed(c *reactor.PacketConn, err error)                   {}

func ExampleReactor_ListenPacket() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	server, err := r.ListenPacket("udp", "127.0.0.1:0", packetEcho{})
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	c, err := net.Dial("udp", server.LocalAddr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "datagram")
	p := make([]byte, 100)
	n, err := c.Read(p)
	fmt.Printf("%s %v", p[:n], err)
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output: datagram <nil>
}

// A server stops at SIGTERM. For up to five seconds it delivers the output that is pending.
func ExampleReactor_Shutdown() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} }); err != nil {
		log.Fatal(err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = r.Shutdown(limit) // Run returns the same error
	}()
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // in a real program, another process sends it

	err = r.Run(context.Background())
	var lost *reactor.UndeliveredError
	switch {
	case errors.As(err, &lost):
		fmt.Println(lost.Bytes, "bytes could not be delivered on", lost.Conns, "connections")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("everything was delivered")
	}
	// Output: everything was delivered
}

func ExampleGroup() {
	g, err := reactor.NewGroup(0) // a loop for each processor
	if err != nil {
		log.Fatal(err)
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	go g.Run(context.Background())

	fmt.Print(ask(l.Addr(), "hello\n"))
	_ = g.Shutdown(context.Background())
	// Output: hello
}

// This example is not run, because it would have to start a program. tests/groups runs such
// programs.
func ExampleGroup_Restart() {
	g, err := reactor.NewGroup(0)
	if err != nil {
		log.Fatal(err)
	}
	addr := "127.0.0.1:7777"
	accept := func(*reactor.Conn) reactor.Handler { return echo{} }
	replace := make(chan os.Signal, 1)
	signal.Notify(replace, syscall.SIGHUP)

	in, err := reactor.Inherit() // the sockets that were passed to this process; perhaps none
	if err != nil {
		log.Fatal(err)
	}
	l, err := g.Listen("tcp", addr, accept, reactor.WithInherited(in))
	if err != nil {
		log.Fatal(err)
	}
	go g.Run(context.Background())
	_, _ = in.Ready() // now Restart returns in the old process

	<-replace // a signal, for example
	if err := g.Restart(context.Background(), exec.Command(os.Args[0], os.Args[1:]...)); err != nil {
		log.Print(err) // the old process continues to serve
	}
	_ = l.Close() // the new process accepts from here on

	for g.Stats().Conns > 0 { // clients that are connected may finish
		time.Sleep(10 * time.Millisecond)
	}
	_ = g.Shutdown(context.Background())
}
