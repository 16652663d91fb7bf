//go:build unix

package reactor

import (
	"testing"
	"time"
)

// A client connects and resets before the loop polls. The accept function and Opened still get the
// client's address, even on another loop of a Group.
func TestPeerThatHasResetIsNamed(t *testing.T) {
	twice(t, func(t *lab) {
		if t.os() != "linux" {
			t.Log("not on this kernel: a connection that was reset in the queue is an error of accept")
			return
		}
		told := map[string]bool{}
		addr := t.listen("tcp", func(c *Conn) Handler {
			told[c.RemoteAddr().String()] = true
			return &hooks{opened: func(c *Conn) {
				if !told[c.RemoteAddr().String()] {
					t.Error("Opened is told another address")
				}
			}}
		})
		for range 5 {
			own := ""
			t.freeze(func() {
				c := t.dial(addr)
				own = c.addr().String()
				c.reset()
				t.pass(time.Millisecond)
			})
			before := len(told)
			t.until(func() bool { return len(told) > before })
			if !told[own] {
				t.Errorf("%v is not told: %v", own, told)
			}
		}
	})
}
