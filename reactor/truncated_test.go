//go:build unix

package reactor_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A flood is more than a peer that does not read takes; what becomes of the Conn is told to ended.
type flood struct {
	send  func(c *reactor.Conn)
	ended chan error
}

func (h *flood) Opened(c *reactor.Conn)            { h.send(c) }
func (h *flood) Data(*reactor.Conn, []byte)        {}
func (h *flood) Closed(_ *reactor.Conn, err error) { h.ended <- err }

// A Conn that ends with output that the kernel has not taken resets: after an EOF the peer would take the part for all.
func TestTruncatedOutputEndsWithReset(t *testing.T) {
	const much = 16 << 20
	for name, c := range map[string]struct {
		send func(c *reactor.Conn)
		want error
	}{
		"ErrStuck": {func(c *reactor.Conn) {
			if err := c.Send(make([]byte, much)); err != nil {
				t.Error(err)
			}
			_ = c.Close()
		}, reactor.ErrStuck},
		"PostSend past the cap": {func(c *reactor.Conn) {
			_ = c.Send(make([]byte, much))
			for range 3 {
				_ = c.PostSend(make([]byte, much/4))
			}
		}, reactor.ErrBuffered},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := reactor.New()
			if err != nil {
				t.Fatal(err)
			}
			h := &flood{c.send, make(chan error, 1)}
			l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return h },
				reactor.WithLimits(0, much, much), reactor.WithLinger(200*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			go r.Run(context.Background())
			defer r.Shutdown(context.Background())
			peer, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			if err := <-h.ended; !errors.Is(err, c.want) {
				t.Fatalf("Closed is told %v, not %v", err, c.want)
			}
			n, err := io.Copy(io.Discard, peer)
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("the peer got %d of %d bytes, then %v instead of a reset", n, much, err)
			}
		})
	}
}
