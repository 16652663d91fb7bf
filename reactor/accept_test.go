//go:build unix

package reactor

import (
	"errors"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// The accept function may use the Conn at once. Closed is then called once, except after nil or
// Detach, when it is never called. The Listener continues in each case.
func TestAcceptFunctionMayDoAnything(t *testing.T) {
	if !longtest.Default(t, "several loops at work") {
		return
	}
	twice(t, func(t *lab) {
		acts := map[string]func(*Conn){
			"nothing":     func(*Conn) {},
			"Send":        func(c *Conn) { c.Send([]byte("hello")) },
			"Send large":  func(c *Conn) { c.Send(make([]byte, 3<<20)) },
			"Close":       func(c *Conn) { c.Close() },
			"Send, Close": func(c *Conn) { c.Send([]byte("bye")); c.Close() },
			"Abort":       func(c *Conn) { c.Abort() },
			"CloseWrite":  func(c *Conn) { c.CloseWrite() },
			"Pause":       func(c *Conn) { c.Pause() },
			"Detach": func(c *Conn) {
				if fd, _, err := c.Detach(); err == nil {
					c.Reactor().k.Close(fd)
				}
			},
		}
		for name, act := range acts {
			for _, refuse := range []bool{false, true} {
				t.Run(name+map[bool]string{true: ", refuse"}[refuse], func(t *lab) {
					r := t.reactor()
					ends := 0
					addr := t.listen("tcp", func(c *Conn) Handler {
						act(c)
						if refuse {
							return nil
						}
						return plain{&hooks{closed: func(*Conn, error) { ends++ }}}
					})
					for range 3 {
						if c, e := t.tryDial(addr); e == 0 { // otherwise the connection was reset at once
							c.discard()
							c.closeWrite()
						}
					}
					t.until(func() bool {
						if name == "Pause" && !refuse && r.count.Accepted == 3 {
							r.table.All(func(_ int, w *Watch) {
								if c, ok := w.sink.(*Conn); ok {
									c.Close()
								}
							})
						}
						return r.conns+r.closedCalls.len() == 0 && r.count.Accepted == 3
					})
					want := 3
					if refuse || name == "Detach" {
						want = 0
					}
					if ends != want {
						t.Errorf("Closed %d times, want %d", ends, want)
					}
				})
			}
		}
	})
}

// The accept function calls Send, which fails because the peer has reset. The error is stored in
// the deadlines of the Conn. That must not count as a deadline, because the handler has no Timeout.
func TestAcceptFunctionSendsToAGonePeer(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		k.send = func(int, []byte) (int, kernel.Errno, bool) { return 0, kernel.ECONNRESET, true }
		t.reactor(WithKernel(k))
		var errs []error
		c := t.dial(t.listen("tcp", func(c *Conn) Handler {
			errs = append(errs, c.Send(make([]byte, 5000)))
			errs = append(errs, c.SetReadTimeout(0))
			return plain{&hooks{}}
		}))
		t.until(func() bool { return len(errs) == 2 })
		if err := errs[0]; !errors.Is(err, kernel.ECONNRESET) {
			t.Errorf("Send: %v, want ECONNRESET", err)
		}
		if err := errs[1]; err != nil {
			t.Errorf("SetReadDeadline(0): %v", err)
		}
		c.close()
	})
}

// With WithMaxConns, n connections are open, and the next one waits in the backlog. Each time an
// open one ends, one that waits is accepted.
func TestMaxConnsMakesTheRestWait(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		most, open := 0, 0
		addr := t.listen("tcp", func(*Conn) Handler {
			open++
			most = max(most, open)
			return &hooks{
				data:   func(c *Conn, p []byte) { c.Send(p) },
				closed: func(*Conn, error) { open-- },
			}
		}, WithMaxConns(3))
		var conns []*peer
		for range 12 {
			conns = append(conns, t.dial(addr))
		}
		t.still(20 * time.Millisecond)
		if n := r.Stats().Accepted; n != 3 {
			t.Errorf("%d accepted, want 3", n)
		}
		for _, c := range conns { // the order in which they wait in the backlog
			c.roundTrip("hello")
			c.close()
		}
		if most != 3 {
			t.Errorf("%d open at once, want 3", most)
		}
	})
}

// The accept function closes its Listener. Accepted connections stay open. Those in the backlog are
// reset, and no more are accepted.
func TestListenerClosedByItsAcceptFunction(t *testing.T) {
	twice(t, func(t *lab) {
		var l *Listener
		accepted := 0
		l, err := t.reactor().Listen("tcp", "127.0.0.1:0", func(*Conn) Handler {
			accepted++
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			return echo{}
		})
		if err != nil {
			t.Fatal(err)
		}
		var conns []*peer
		t.freeze(func() { // so that one turn accepts both
			for range 2 {
				conns = append(conns, t.dial(l.Addr()))
			}
		})
		conns[0].roundTrip("hello")
		conns[1].wantReset()
		if accepted != 1 {
			t.Errorf("%d accepted", accepted)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
	})
}

// While connections come one at a time, the loop calls accept once for each. If the first accepts
// of an Event report lost connections, the same turn accepts the good one behind them.
func TestAcceptIsCalledOnceForEachConnection(t *testing.T) {
	twice(t, func(t *lab) {
		const lost = 10
		var turns []uint64 // the turn of each call
		k := t.faults()
		r := t.reactor(WithKernel(k))
		k.accept = func(int) (kernel.Errno, bool) {
			turns = append(turns, r.often.turns)
			return kernel.ECONNABORTED, len(turns) <= lost
		}
		addr := t.listen("tcp", acceptEcho)
		t.dial(addr).roundTrip("x")
		if n := len(turns); n < lost+1 || turns[0] != turns[lost] {
			t.Errorf("%d calls of accept, in the turns %d", n, turns)
		}
		t.dial(addr).roundTrip("x") // from here on connections come one at a time
		before := len(turns)
		for range 5 {
			t.dial(addr).roundTrip("x")
		}
		if n := len(turns) - before; n != 5 {
			t.Errorf("%d calls of accept for 5 connections", n)
		}
	})
}
