//go:build unix

package reactor

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// The accept function may use the Conn at once; whatever it does and then returns, Closed comes once or (after nil,
// or Detach) never, and the listener goes on.
func TestAcceptFunctionMayDoAnything(t *testing.T) {
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
				kernel.Host.Close(fd)
			}
		},
	}
	for name, act := range acts {
		for _, refuse := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", refuse"}[refuse], func(t *testing.T) {
				r := started(t)
				ends := 0
				addr := listen(t, r, "tcp", func(c *Conn) Handler {
					act(c)
					if refuse {
						return nil
					}
					return plain{&hooks{closed: func(*Conn, error) { ends++ }}}
				})
				for range 3 {
					c, err := net.Dial("tcp", addr.String())
					if err != nil {
						continue // reset as soon as it was there
					}
					defer c.Close()
					go io.Copy(io.Discard, c)
					c.(closeWriter).CloseWrite()
				}
				for conns, accepted := 1, uint64(0); conns > 0 || accepted < 3; {
					on(t, r, func() { conns, accepted = r.conns+len(r.ended), r.count.Accepted })
					if name == "Pause" && !refuse && accepted == 3 {
						on(t, r, func() {
							r.table.All(func(_ int, w *Watch) {
								if c, ok := w.sink.(*Conn); ok {
									c.Close()
								}
							})
						})
					}
				}
				want := 3
				if refuse || name == "Detach" {
					want = 0
				}
				on(t, r, func() {
					if ends != want {
						t.Errorf("Closed %d times, want %d", ends, want)
					}
				})
			})
		}
	}
}

// A Send in the accept function meets a peer that is gone. The handler has no Timeout, so nothing may take what the
// failure leaves behind for a deadline.
func TestAcceptFunctionSendsToAGonePeer(t *testing.T) {
	k := hostWithFaults()
	k.send = func(int, []byte) (int, kernel.Errno, bool) { return 0, kernel.ECONNRESET, true }
	r := started(t, WithKernel(k))
	errs := make(chan error, 2)
	c := connect(t, listen(t, r, "tcp", func(c *Conn) Handler {
		errs <- c.Send(make([]byte, 5000))
		errs <- c.SetReadDeadline(0)
		return plain{&hooks{}}
	}))
	if err := <-errs; !errors.Is(err, kernel.ECONNRESET) {
		t.Errorf("Send: %v, want ECONNRESET", err)
	}
	if err := <-errs; err != nil {
		t.Errorf("SetReadDeadline(0): %v", err)
	}
	c.Close()
}

// MaxConns: while n are open the next one waits in the backlog; each that ends lets one in.
func TestMaxConnsMakesTheRestWait(t *testing.T) {
	r := started(t)
	most, open := 0, 0
	addr := listen(t, r, "tcp", func(*Conn) Handler {
		open++
		most = max(most, open)
		return &hooks{
			data:   func(c *Conn, p []byte) { c.Send(p) },
			closed: func(*Conn, error) { open-- },
		}
	}, WithMaxConns(3))
	var conns []net.Conn
	for range 12 {
		conns = append(conns, connect(t, addr))
	}
	still(t, r, 20*time.Millisecond)
	if n := r.Stats().Accepted; n != 3 {
		t.Errorf("%d accepted, want 3", n)
	}
	for _, c := range conns { // in the order of the backlog
		roundTrip(t, c, "hello")
		c.Close()
	}
	on(t, r, func() {
		if most != 3 {
			t.Errorf("%d open at once, want 3", most)
		}
	})
}

// Closing the listener within its accept function: what it has accepted lives, the rest is reset, nothing is accepted.
func TestListenerClosedByItsAcceptFunction(t *testing.T) {
	r := started(t)
	var l *Listener
	accepted := 0
	on(t, r, func() {
		var err error
		l, err = r.Listen("tcp", "127.0.0.1:0", func(*Conn) Handler {
			accepted++
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			return echo{}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	var conns []net.Conn
	blocked, held := make(chan struct{}), make(chan struct{})
	r.Post(func() { close(held); <-blocked }) // so that both wait in one batch
	<-held
	for range 2 {
		conns = append(conns, connect(t, l.Addr()))
	}
	close(blocked)
	roundTrip(t, conns[0], "hello")
	if _, err := conns[1].Read(make([]byte, 1)); err == nil {
		t.Error("the second was served")
	}
	on(t, r, func() {
		if accepted != 1 {
			t.Errorf("%d accepted", accepted)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
	})
}
