//go:build unix

package reactor

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// bombs has a function for each kind of callback, which makes such a callback panic with "boom
// KIND". If ofConn is set, the callback belongs to a Conn, and the panic must close that Conn.
var bombs = map[string]struct {
	ofConn bool
	set    func(r *Reactor, fd, peer int, boom func()) *Conn
}{
	"Data": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		r.k.Send(peer, []byte("x"), 0)
		return newConn(r, fd, &hooks{data: func(*Conn, []byte) { boom() }})
	}},
	"Opened": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		return newConn(r, fd, &hooks{opened: func(*Conn) { boom() }})
	}},
	"EOF": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		r.k.Shutdown(peer, kernel.SHUT_WR)
		return newConn(r, fd, &eofHooks{eof: func(*Conn) { boom() }})
	}},
	"Drained": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c := newConn(r, fd, &hooks{drained: func(*Conn) { boom() }})
		c.Send(make([]byte, 2<<20))
		var read *Timer
		read = r.After(0, func() {
			r.k.Recv(peer, make([]byte, 1<<20), 0)
			if !c.is(released) {
				read.Reset(0)
			}
		})
		return c
	}},
	"Timeout": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c := newConn(r, fd, &hooks{timeout: func(*Conn, TimeoutKind) { boom() }})
		c.SetReadTimeout(1)
		return c
	}},
	"Closed": {true, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c := newConn(r, fd, &hooks{closed: func(*Conn, error) { boom() }})
		c.Abort()
		return c
	}},
	"accept": {false, func(r *Reactor, fd, peer int, boom func()) *Conn {
		s, _ := r.k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*Conn) Handler {
			r.Post(func() { r.k.Close(s) })
			boom()
			return echo{}
		})
		if err != nil {
			panic(err)
		}
		a, _ := r.k.LocalAddr(int(l.w.fd))
		r.k.Connect(s, a)
		return nil
	}},
	"timer": {false, func(r *Reactor, fd, peer int, boom func()) *Conn { r.After(0, boom); return nil }},
	"post":  {false, func(r *Reactor, fd, peer int, boom func()) *Conn { r.Post(boom); return nil }},
	"Watch": {false, func(r *Reactor, fd, peer int, boom func()) *Conn {
		r.Watch(fd, poller.Out, func(poller.Readiness) { boom() })
		return nil
	}},
	"Packet": {false, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(*PacketConn, []byte, Addr) { boom() }})
		if err != nil {
			panic(err)
		}
		c.SendTo([]byte("x"), kernel.Inet(c.LocalAddr().(*net.UDPAddr).AddrPort()))
		return nil
	}},
	"Lost": {false, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{lost: func(*PacketConn, Addr, error) { boom() }})
		if err != nil {
			panic(err)
		}
		c.SendTo([]byte("x"), kernel.Unix("/no/such/family"))
		return nil
	}},
	"PacketClosed": {false, func(r *Reactor, fd, peer int, boom func()) *Conn {
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{closed: func(*PacketConn, error) { boom() }})
		if err != nil {
			panic(err)
		}
		c.Close()
		return nil
	}},
}

// newConn makes a Conn outside of a turn. The loop ends the step.
func newConn(r *Reactor, fd int, h Handler) *Conn {
	o, err := newSockOptions("listen", eachOption[ListenOption](nil, nil))
	if err != nil {
		panic(err)
	}
	c := &Conn{opt: o}
	c.w.open(r, fd, c)
	r.conns++
	c.setHandler(h)
	c.established()
	return c
}

func init() {
	for kind, b := range bombs {
		children["panic "+kind] = func() {
			r, err := New()
			require(err == nil, "%v", err)
			fd, peer := mustPair()
			r.Post(func() { b.set(r, fd, peer, func() { panic("boom " + kind) }) })
			time.AfterFunc(time.Minute, func() { require(false, "nothing happened") })
			require(r.Run(context.Background()) == nil, "Run")
		}
	}
}

func mustPair() (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	unix.SetNonblock(fds[0], true)
	unix.SetNonblock(fds[1], true)
	return fds[0], fds[1]
}

// Contract 7 without WithPanicHandler: the panic ends the process, and the stack of the callback is
// printed.
func TestPanicInACallbackCrashes(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	t.Parallel()
	for kind := range bombs {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, errs, err := child(t, "panic "+kind)
			if err == nil || !strings.Contains(errs, "panic: boom "+kind) || !strings.Contains(errs, "contract_panic_test.go") {
				t.Errorf("%v\n%s", err, errs)
			}
		})
	}
}

// Contract 7 with WithPanicHandler: the handler is called once, with the value, the stack and the
// Conn. That Conn ends with a *PanicError. The loop and another Conn continue, and end in order.
func TestPanicHandlerIsolatesTheConn(t *testing.T) {
	twice(t, func(t *lab) {
		for kind, b := range bombs {
			t.Run(kind, func(t *lab) {
				panics := 0
				var about *Conn
				r := t.reactor(WithPanicHandler(func(c *Conn, v any, stack []byte) {
					panics++
					about = c
					if v != "boom "+kind || !strings.Contains(string(stack), "contract_panic_test.go") {
						t.Errorf("value %v, stack %s", v, stack)
					}
				}))
				a, a2 := t.pair()
				adoptFD(t, r, a, echo{})
				fd, peer := t.pair()
				var c *Conn
				var ending error
				closed := 0
				r.Post(func() {
					c = b.set(r, fd, peer.fd, func() { panic("boom " + kind) })
					if c != nil && kind != "Closed" {
						watchClosed(c, func(err error) { closed++; ending = err })
					}
				})
				turnUntil(t, r, func() bool { return panics > 0 })
				r.Turn(0)
				// The descriptor of a Watch is still ready, so it may panic again.
				if panics != 1 && kind != "Watch" {
					t.Errorf("%d panics, want one", panics)
				}
				if b.ofConn {
					var pe *PanicError
					if about != c || !c.is(released) || kind != "Closed" && (closed != 1 || !errors.As(ending, &pe)) {
						t.Errorf("handler told of %p, want %p; over: %v; Closed %d times: %v", about, c, c.is(released), closed, ending)
					}
				} else {
					if about != nil {
						t.Error("told of a Conn")
					}
				}
				a2.roundTrip("the bystander is still there")
				if kind == "Watch" {
					r.table.All(func(_ int, w *Watch) {
						if _, ok := w.sink.(callSink); ok {
							w.drop()
						}
					})
					t.k.Close(fd)
				} else if c == nil {
					t.k.Close(fd)
				}
			})
		}
	})
}

// watchClosed makes f run before the handler's Closed.
func watchClosed(c *Conn, f func(error)) {
	h := c.handler
	var inner *hooks
	switch h := h.(type) {
	case *hooks:
		inner = h
	case *eofHooks:
		inner = &h.hooks
	}
	inner.closed = func(_ *Conn, err error) { f(err) }
}
