//go:build unix

package reactor

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// A producer sends until more than the high-water mark is buffered, then waits to be told.
type producer struct{ piece, left, high int }

func (h *producer) Data(*Conn, []byte)  {}
func (h *producer) Closed(*Conn, error) {}
func (h *producer) Opened(c *Conn)      { h.Drained(c) }
func (h *producer) Drained(c *Conn) {
	for h.left > 0 && c.Buffered() <= h.high {
		n := min(h.left, h.piece)
		h.left -= n
		if err := c.Send(make([]byte, n)); err != nil {
			panic(err)
		}
	}
	if h.left == 0 {
		c.Close()
	}
}

// Who sees Buffered above the high-water mark may wait for Drained: it comes even if the kernel takes everything at the
// end of the step, or at the end of a connect. Marks below and above what is corked, pieces below and above what is
// corked at all, accepted and dialled.
func TestDrainedAlwaysFollowsHigh(t *testing.T) {
	for _, high := range []int{0, 1000, 20_000, 64 << 10, 256 << 10} {
		for _, piece := range []int{600, corkMax, corkMax + 1, 100_000} {
			t.Run(fmt.Sprintf("high %d piece %d", high, piece), func(t *testing.T) {
				accepted, dialled := &producer{piece, 1 << 20, high}, &producer{piece, 1 << 20, high}
				produce(t, accepted, false)
				produce(t, dialled, true)
			})
		}
	}
}

func produce(t *testing.T, h *producer, dialled bool) {
	want := h.left
	limits := WithLimits(h.high/2, h.high, 1<<30)
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var l net.Listener
	var addr net.Addr
	if dialled {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := r.Dial("tcp", l.Addr().String(), h, limits)
		if err != nil {
			t.Fatal(err)
		}
		h.Drained(c) // already while there is no connection
	} else {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*Conn) Handler { return h }, limits)
		if err != nil {
			t.Fatal(err)
		}
		addr = l.Addr()
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	var c net.Conn
	if dialled {
		c, err = l.Accept()
	} else {
		c, err = net.Dial("tcp", addr.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if n, err := io.Copy(io.Discard, c); err != nil || int(n) != want {
		t.Errorf("dialled %v: got %d of %d bytes, %v", dialled, n, want, err)
	}
	c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
