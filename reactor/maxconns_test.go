//go:build unix

package reactor

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// With WithMaxConns(1) on several loops, no loop accepts a Conn before Closed of the previous Conn
// has returned. The first Closed waits for a moment, so that a wrong accept has time to happen.
func TestMaxConnsCountsAConnUntilItsClosed(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	g := group(t, 3)
	inside := atomic.Bool{}
	over := make(chan bool, 10)
	l := groupListen(t, g, "tcp", func(*Conn) Handler {
		if inside.Load() {
			over <- true
		}
		return &hooks{data: func(c *Conn, p []byte) { c.Send(p) }, closed: func(*Conn, error) {
			inside.Store(true)
			defer inside.Store(false)
			select {
			case <-over:
				t.Error("a Conn was accepted before the Closed of the one before it has returned")
			case <-time.After(100 * time.Millisecond):
			}
		}}
	}, WithMaxConns(1))
	c := connect(t, l.Addr())
	for range 3 { // on another loop each time; one of the loops accepts for all
		next := connect(t, l.Addr())
		roundTrip(t, c, "in")
		c.Close()
		roundTrip(t, next, "in")
		c = next
	}
}
