//go:build unix

package reactor

import (
	"testing"
)

// A client connects, resets and is gone before the loop has looked: the accept function and Opened are still told where
// it came from, on whatever loop they are called.
func TestPeerThatHasResetIsNamed(t *testing.T) {
	r := manual(t)
	told := map[string]bool{}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(c *Conn) Handler {
		told[c.RemoteAddr().String()] = true
		return &hooks{opened: func(c *Conn) {
			if !told[c.RemoteAddr().String()] {
				t.Error("Opened is told another address")
			}
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c := connect(t, l.Addr())
		resetConn(c)
		before := len(told)
		turnUntil(t, r, func() bool { return len(told) > before })
		if !told[c.LocalAddr().String()] {
			t.Errorf("%v is not told: %v", c.LocalAddr(), told)
		}
	}
}
