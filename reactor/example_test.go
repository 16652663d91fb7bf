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

// The README and the pages in doc/ show parts of this file as they stand here. Package tests/pages
// compares them.

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

// ask is a client of package net: it sends the text, half-closes, and returns all that comes.
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

// A ticker is a Timer that arms itself again.
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

// Work that blocks runs on a goroutine of its own. Post brings its result back to the loop.
type asker struct {
	asked int  // questions without an answer yet
	ended bool // the peer asks no more
}

func (h *asker) Data(c *reactor.Conn, p []byte) {
	question := string(p) // p is the loop's buffer: the goroutine needs a copy
	h.asked++
	go func() {
		answer := compute(question)
		_ = c.Reactor().Post(func() { // on the loop again; h and c may be touched
			h.asked--
			_ = c.Send([]byte(answer)) // ErrClosed if it has closed meanwhile, never a panic
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

// A relay sends on what one connection brings to another. The faster side waits for the slower one.
type relay struct {
	to   *reactor.Conn
	done bool // its own Conn has said its last
	back *relay
}

const high = 256 << 10 // the high-water mark if WithLimits does not say otherwise

func (h *relay) Data(c *reactor.Conn, p []byte) {
	if h.to.Send(p) == nil && h.to.Buffered() > high {
		_ = c.Pause()
	}
}

func (h *relay) Drained(c *reactor.Conn) { _ = h.to.Resume() } // what c sends has left: more of it

func (h *relay) EOF(c *reactor.Conn) {
	_ = h.to.CloseWrite() // the half-close goes on; the other direction may still talk
	if h.done = true; h.back.done {
		_ = c.Close()
		_ = h.to.Close()
	}
}

func (h *relay) Closed(c *reactor.Conn, err error) {
	if err != nil {
		_ = h.to.Abort() // what was cut off here must not look whole there
		return
	}
	_ = h.to.Close()
}

func ExampleReactor_Dial() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	behind, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	front, err := r.Listen("tcp", "127.0.0.1:0", func(c *reactor.Conn) reactor.Handler {
		in, out := &relay{}, &relay{to: c}
		in.back, out.back = out, in
		var err error
		if in.to, err = r.Dial("tcp", behind.Addr().String(), out); err != nil {
			return nil // refused
		}
		return in
	})
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	text := strings.Repeat("through the relay and back\n", 200_000)
	fmt.Println(ask(front.Addr(), text) == text)
	_ = r.Shutdown(context.Background())
	// Output: true
}

// A source sends without end, at the pace of its peer, and never holds much more than the
// high-water mark.
type source struct{ left int }

func (s *source) Opened(c *reactor.Conn) { s.Drained(c) }

func (s *source) Drained(c *reactor.Conn) {
	for s.left > 0 && c.Buffered() <= high { // above it, Drained comes again
		s.left--
		if c.Send([]byte("0123456789abcdef")) != nil {
			return // the Conn is closing; Closed gets the reason
		}
	}
	if s.left == 0 {
		_ = c.Close() // after what was sent
	}
}

func (s *source) Data(*reactor.Conn, []byte)        {}
func (s *source) Closed(c *reactor.Conn, err error) {}

func ExampleConn_Buffered() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return &source{left: 1 << 20} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	n, err := io.Copy(io.Discard, c)
	fmt.Println(n>>20, "MiB", err)
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output: 16 MiB <nil>
}

// A counter reads until its peer has said everything, then answers.
type counter struct{ bytes int }

func (h *counter) Data(c *reactor.Conn, p []byte) { h.bytes += len(p) }

// EOF takes over from the default, which is to close. With it, closing is the handler's.
func (h *counter) EOF(c *reactor.Conn) {
	_ = c.Send(fmt.Appendf(nil, "%d bytes\n", h.bytes))
	_ = c.Close()
}

func (h *counter) Closed(c *reactor.Conn, err error) {}

func ExampleHandler_halfClose() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return &counter{} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	fmt.Print(ask(l.Addr(), strings.Repeat("x", 1_000_000)))
	_ = r.Shutdown(context.Background())
	// Output: 1000000 bytes
}

// An idle timeout is for the handler to judge: nothing is closed by itself.
type patient struct{ echo }

func (patient) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) {
	_ = c.Send([]byte("still there?\n"))
	_ = c.Close()
}

func ExampleConn_SetIdleTimeout() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(c *reactor.Conn) reactor.Handler {
		_ = c.SetIdleTimeout(20 * time.Millisecond)
		return patient{}
	})
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	fmt.Printf("%s%v", answer, err)
	c.Close()
	_ = r.Shutdown(context.Background())
	// Output:
	// still there?
	// <nil>
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

// A server that stops at SIGTERM and delivers what is on its way, for up to five seconds.
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
		_ = r.Shutdown(limit) // Run returns the same
	}()
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // somebody stops it

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

// It needs a program to be started, so it is not run here; tests/restart does so.
func ExampleGroup_Restart() {
	g, err := reactor.NewGroup(0)
	if err != nil {
		log.Fatal(err)
	}
	addr := "127.0.0.1:7777"
	accept := func(*reactor.Conn) reactor.Handler { return echo{} }
	replace := make(chan os.Signal, 1)
	signal.Notify(replace, syscall.SIGHUP)

	in, err := reactor.Inherit() // the sockets that this process was passed, if it was
	if err != nil {
		log.Fatal(err)
	}
	l, err := g.Listen("tcp", addr, accept, reactor.WithInherited(in))
	if err != nil {
		log.Fatal(err)
	}
	go g.Run(context.Background())
	_, _ = in.Ready() // Restart in the old process returns

	<-replace // a signal, for example
	if err := g.Restart(context.Background(), exec.Command(os.Args[0], os.Args[1:]...)); err != nil {
		log.Print(err) // it continues to serve
	}
	_ = l.Close() // the new process accepts from here on

	for g.Stats().Conns > 0 { // who is connected may finish
		time.Sleep(10 * time.Millisecond)
	}
	_ = g.Shutdown(context.Background())
}
