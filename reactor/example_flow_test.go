//go:build unix

package reactor_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A relay sends the input of one connection on another one. The faster side waits for the slower
// side.
type relay struct {
	to   *reactor.Conn
	done bool // EOF was called for the Conn of this handler
	back *relay
}

const high = 256 << 10 // the default high-water mark

func (h *relay) Data(c *reactor.Conn, p []byte) {
	if h.to.Send(p) == nil && h.to.Buffered() > high {
		_ = c.Pause()
	}
}

func (h *relay) Drained(c *reactor.Conn) { _ = h.to.Resume() } // there is room again

func (h *relay) EOF(c *reactor.Conn) {
	_ = h.to.CloseWrite() // pass the half-close on; the other direction may still send
	if h.done = true; h.back.done {
		_ = c.Close()
		_ = h.to.Close()
	}
}

func (h *relay) Closed(c *reactor.Conn, err error) {
	if err != nil {
		_ = h.to.Abort() // the other peer must not think that the stream is complete
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

// A source sends a long stream, as fast as the peer reads. It never buffers much more than the
// high-water mark.
type source struct{ left int }

func (s *source) Opened(c *reactor.Conn) { s.Drained(c) }

func (s *source) Drained(c *reactor.Conn) {
	for s.left > 0 && c.Buffered() <= high { // above high, Drained will be called again
		s.left--
		if c.Send([]byte("0123456789abcdef")) != nil {
			return // the Conn is closing; Closed gets the reason
		}
	}
	if s.left == 0 {
		_ = c.Close() // delivers the output first
	}
}

func (s *source) Data(*reactor.Conn, []byte)        {}
func (s *source) Closed(c *reactor.Conn, err error) {}

func ExampleConn_Buffered() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return &source{left: 1 << 17} })
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
	// Output: 2 MiB <nil>
}

// A counter reads until the end of input. Then it answers with the number of bytes.
type counter struct{ bytes int }

func (h *counter) Data(c *reactor.Conn, p []byte) { h.bytes += len(p) }

// EOF replaces the default, which is to close the Conn. So the handler closes it.
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

// A timeout closes nothing. So the handler decides what to do after an idle timeout.
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
