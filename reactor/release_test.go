//go:build unix

package reactor

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Release returns the bytes that were not consumed, including those of earlier reads. After that,
// Data gets the rest of the stream as if KeepInput had not been called.
func TestReleaseEndsKeepInput(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	var released, later []string
	c := adoptFD(t, r, a, &hooks{data: func(c *Conn, p []byte) {
		in := c.Input()
		if in == nil {
			later = append(later, string(p))
			return
		}
		if i := in.Index([]byte("\n"), 0); i >= 0 {
			_, _ = in.Discard(i + 1)
			released = append(released, string(in.Release()))
			if more := in.Release(); more != nil || in.Buffered() != 0 {
				t.Errorf("a second Release: %q, %d bytes are left", more, in.Buffered())
			}
		}
	}})
	c.KeepInput(10)
	fill(b, []byte("a head"))
	turnUntil(t, r, func() bool { return c.Input().Buffered() == 6 })
	fill(b, []byte(", its end\nthe rest, above the limit"))
	turnUntil(t, r, func() bool { return len(released) > 0 })
	if c.in != nil || c.Input() != nil {
		t.Error("the Conn still has an Input")
	}
	fill(b, []byte("more"))
	turnUntil(t, r, func() bool { return len(later) > 0 })
	if got := strings.Join(append(released, later...), "|"); got != "the rest, above the limit|more" {
		t.Errorf("%q", got)
	}
}

type lastWords struct {
	hooks
	n int
}

func (h *lastWords) Shutdown(c *Conn) {
	h.n++
	_ = c.Send([]byte("bye"))
}

// A drain calls the handler's Shutdown once, and output that Shutdown sends arrives. It does not
// call Shutdown of a Conn that is closing or dialling.
func TestShutdownSendsTheLast(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	x, y := pair(t)
	defer unix.Close(b)
	defer unix.Close(y)
	open, closing, dials := &lastWords{}, &lastWords{}, &lastWords{}
	adoptFD(t, r, a, open)
	_ = adoptFD(t, r, x, closing).Close()
	if _, err := r.Dial("tcp", "192.0.2.1:9", dials); err != nil {
		t.Fatal(err)
	}
	r.Close()
	p := make([]byte, 10)
	n := -1
	turnUntil(t, r, func() bool {
		n, _ = unix.Read(b, p)
		return n >= 0
	})
	if string(p[:n]) != "bye" || open.n != 1 || closing.n != 0 || dials.n != 0 {
		t.Errorf("%q; %d calls, %d on a closing Conn, %d on one that dials", p[:n], open.n, closing.n, dials.n)
	}
}
