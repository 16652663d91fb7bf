//go:build unix

package reactor

import (
	"errors"
	"testing"
	"time"
)

// A flood sends more than the kernel accepts for a peer that does not read. The field ended has
// each error that Closed has got.
type flood struct {
	send  func(c *Conn)
	ended []error
}

func (h *flood) Opened(c *Conn)            { h.send(c) }
func (h *flood) Data(*Conn, []byte)        {}
func (h *flood) Closed(_ *Conn, err error) { h.ended = append(h.ended, err) }

// A Conn that ends with output that the kernel has not accepted resets the connection. With a FIN,
// the truncated output would look complete to the peer.
func TestTruncatedOutputEndsWithReset(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		much := 2 * t.much()
		for name, c := range map[string]struct {
			send func(c *Conn)
			want error
		}{
			"ErrStuck": {func(c *Conn) {
				if err := c.Send(make([]byte, much)); err != nil {
					t.Error(err)
				}
				_ = c.Close()
			}, ErrStuck},
			"PostSend past the cap": {func(c *Conn) {
				_ = c.Send(make([]byte, much))
				for range 3 {
					_ = c.PostSend(make([]byte, much/4))
				}
			}, ErrBuffered},
		} {
			t.Run(name, func(t *lab) {
				h := &flood{send: c.send}
				peer := t.dial(t.listen("tcp", always(h), WithLimits(0, much, much), WithLinger(200*time.Millisecond)))
				t.until(func() bool { return len(h.ended) > 0 })
				if err := h.ended[0]; !errors.Is(err, c.want) {
					t.Fatalf("Closed is told %v, not %v", err, c.want)
				}
				peer.wantReset()
			})
		}
	})
}
