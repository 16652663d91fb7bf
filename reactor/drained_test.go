//go:build unix

package reactor

import (
	"fmt"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A producer sends until more than the high-water mark is buffered. Then it waits for Drained.
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

// A handler that sees more than the high-water mark in Buffered may wait for Drained. Drained is
// called even if the kernel accepts all output at the end of the step, or when a Dial connects. The
// cases differ in three things: the marks, which are below or above the size of the cork, the size
// of the pieces, and accepted or dialled Conns.
func TestDrainedAlwaysFollowsHigh(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	twiceAtOnce(t, func(t *lab) {
		for _, high := range []int{0, 1000, 20_000, 64 << 10, 256 << 10} {
			for _, piece := range []int{600, corkMax, corkMax + 1, 100_000} {
				for _, dialled := range []bool{false, true} {
					t.Run(fmt.Sprintf("high %d piece %d dialled %v", high, piece, dialled), func(t *lab) {
						produce(t, &producer{piece, longtest.Count(400_000, 400_000, 1<<20), high}, dialled)
					})
				}
			}
		}
	})
}

func produce(t *lab, h *producer, dialled bool) {
	want := h.left
	limits := WithLimits(h.high/2, h.high, 1<<30)
	var c *peer
	if dialled {
		l := t.server("tcp", 1)
		conn, err := t.reactor().Dial("tcp", l.addr().String(), h, limits)
		if err != nil {
			t.Fatal(err)
		}
		h.Drained(conn) // even before the Conn is connected
		c = l.accept()
	} else {
		c = t.dial(t.listen("tcp", always(h), limits))
	}
	if got, e := c.readAll(); e != 0 || len(got) != want {
		t.Errorf("got %d of %d bytes, %v", len(got), want, e)
	}
	c.close()
	if err := t.shutdown(guard); err != nil {
		t.Error(err)
	}
}
