package reactor

import (
	"net"
	"runtime"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// Contracts 5 and 6. 3,000 connections end in one of five ways: the peer's FIN, its RST, its RST
// while output waits, Close, or Abort. Closed is called once for each. At the end the process has
// as many descriptors as before, and the reactor has only its own two.
func TestChurnLeavesNoDescriptor(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	connectOnce(t) // Go's own poller opens its descriptors at the first use
	before := fds()
	r := started(t)
	closed, opened := 0, 0
	big := make([]byte, 1<<20)
	h := func(*Conn) Handler {
		opened++
		mine := 0
		return &hooks{
			data: func(c *Conn, p []byte) {
				switch p[0] {
				case 'e':
					c.Send(p)
				case 'b':
					c.Send(big)
				case 'c':
					c.Close()
				case 'a':
					c.Abort()
				}
			},
			closed: func(*Conn, error) {
				closed++
				if mine++; mine > 1 {
					t.Error("Closed twice")
				}
			},
		}
	}
	addr := listen(t, r, "tcp", h)
	many := longtest.Count(1200, 1200, 6000)
	for i := range many {
		c, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		switch i % 6 {
		case 0:
			roundTrip(t, c, "e")
			c.Close()
		case 1:
			resetConn(c)
		case 2:
			c.Write([]byte("b"))
			resetConn(c)
		case 3:
			c.Write([]byte("c"))
			c.Read(make([]byte, 1))
			c.Close()
		case 4:
			c.Write([]byte("a"))
			c.Read(make([]byte, 1))
			c.Close()
		case 5:
			c.Close()
		}
	}
	for accepted := uint64(0); accepted < uint64(many); accepted = r.Stats().Accepted {
		runtime.Gosched()
	}
	for conns := 1; conns > 0; {
		on(t, r, func() { conns = r.conns + r.closedCalls.len() })
	}
	on(t, r, func() {
		if opened != many || closed != many {
			t.Errorf("%d opened, %d closed, want %d", opened, closed, many)
		}
		if r.table.Len() != 1 || r.timers.Len() != 0 {
			t.Errorf("%d in the table, %d timers; want the listener and none", r.table.Len(), r.timers.Len())
		}
	})
	r.Shutdown(ended())
	for fd, what := range fds() {
		if before[fd] == "" {
			t.Errorf("descriptor %s is left: %s", fd, what)
		}
	}
}

func connectOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	l.Close()
}
