//go:build unix

package socket_test

import (
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// heard counts the calls of a callback. It fails the test if a call is made inside other user code
// on the loop.
type heard struct {
	l    *lab
	n    atomic.Int32
	last atomic.Pointer[socket.Socket]
}

func (h *heard) call(s *socket.Socket) {
	h.last.Store(s)
	h.n.Add(1)
}

// listen sets a callback, and waits until the Event is delivered that the kernel reports at
// registration. Otherwise Linux may report an arrival twice: with that Event, because the socket is
// writable, and by an Event of its own.
func (l *lab) listen(s *socket.Socket) *heard {
	h := l.hear(s)
	l.quiet()
	return h
}

// hear sets a callback.
func (l *lab) hear(s *socket.Socket) *heard {
	h := &heard{l: l}
	l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_CALLBACK, h.call))
	return h
}

// times waits until the callback was called n times. It fails the test if there are more calls.
func (h *heard) times(n int32) {
	h.l.t.Helper()
	h.l.until("call", func() bool { return h.n.Load() >= n })
	h.l.quiet()
	if now := h.n.Load(); now != n {
		h.l.fatalf("called %d times, want %d", now, n)
	}
}

// quiet waits until earlier Events have been delivered, by the loop or the background goroutine.
// For that it causes another Event and waits for that one.
func (l *lab) quiet() {
	c, s := l.pair()
	var n atomic.Int32
	l.must(s.SetCallback(func(*socket.Socket) { n.Add(1) }))
	l.send(c, "x")
	l.until("call", func() bool { return n.Load() > 0 })
	l.must(s.Close())
	l.must(c.Close())
}

func TestD33Callback(t *testing.T) {
	both(t, func(l *lab) {
		// The callback is called with the socket, after each arrival and at the end of input.
		c, s := l.pair()
		h := l.listen(s)
		h.times(0)
		l.send(c, "a")
		h.times(1)
		if h.last.Load() != s {
			l.fatalf("called with another socket")
		}
		l.send(c, "b") // an arrival is reported even if input already waits
		h.times(2)
		l.recv(s, 9, "ab")
		l.send(c, "c")
		h.times(3)
		l.must(c.Close()) // for a FIN Linux wakes twice: for the state, and for the end of the data
		l.until("call", func() bool { return h.n.Load() >= 4 })
		l.quiet()
		if now := h.n.Load(); now > 5 {
			l.fatalf("called %d times, want 4 or 5", now)
		}

		// After a callback was removed or replaced, or its socket was closed, it is not called.
		c, s = l.pair()
		h = l.listen(s)
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_CALLBACK, nil))
		l.send(c, "x")
		l.quiet()
		h.times(0)
		other := l.listen(s)
		l.send(c, "x")
		other.times(1)
		h.times(0)
		l.must(s.Close())
		c.Send([]byte("x"))
		other.times(1)

		// An accepted socket does not have the callback of its listener.
		listener := l.listener()
		h = l.listen(listener)
		c = l.tcp()
		l.must(c.Connect(l.addr(listener)))
		h.times(1)
		conn, _, err := listener.Accept()
		l.must(err)
		l.own(conn)
		l.send(c, "x")
		l.quiet()
		h.times(1)

		// Datagrams cause calls too.
		a, b := l.udp(), l.udp()
		h = l.listen(a)
		for i := range int32(3) {
			_, err := b.SendTo(nil, l.addr(a))
			l.must(err)
			h.times(i + 1)
		}
	})
}

// Input that waits at SetCallback is no arrival. Input that comes in the same turn is an arrival.
func TestD33CallbackNotForWhatWaits(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, "x")
		l.readable(s)
		h := l.listen(s)
		h.times(0)
		l.send(c, "y")
		h.times(1)

		c, s = l.pair()
		l.send(c, "x")
		l.readable(s)
		h = l.hear(s)
		l.send(c, "y")
		l.quiet()
		if n := h.n.Load(); n < 1 || n > 2 {
			// The background goroutine may be checking the input that waits.
			l.fatalf("called %d times for one arrival", n)
		}

		h = l.listen(l.tcp()) // not connected, so poll(2) reports HUP
		h.times(0)

		listener := l.listener()
		for range 2 {
			l.must(l.tcp().Connect(l.addr(listener)))
		}
		l.readable(listener)
		h = l.listen(listener)
		h.times(0)
		l.must(l.tcp().Connect(l.addr(listener)))
		h.times(1)
	})
}

// Input arrives between SetCallback and the loop's first poll. The callback must be called,
// although the kernel reports this input together with input that waited before. On a Unix socket
// the input arrives at once, before the task yields to its loop.
func TestD33ArrivalBeforeTheFirstLookIsCalledFor(t *testing.T) {
	both(t, func(l *lab) {
		at := socket.Path(longtest.SocketPath(l.t))
		ln := l.socket(socket.AF_UNIX, stream)
		l.must(ln.Bind(at))
		l.must(ln.Listen(4))
		dial := func() *socket.Socket {
			c := l.socket(socket.AF_UNIX, stream)
			l.must(c.Connect(at))
			return c
		}
		for name, more := range map[string]func(c *socket.Socket){
			"data":    func(c *socket.Socket) { l.send(c, "y") },
			"the end": func(c *socket.Socket) { l.must(c.Close()) },
			"a FIN":   func(c *socket.Socket) { l.must(c.Shutdown(socket.SHUT_WR)) },
		} {
			l.note = name + ": "
			c := dial()
			s, _, err := ln.Accept()
			l.must(err)
			l.own(s)
			l.send(c, "x")
			h := l.hear(s)
			more(c)
			l.until("call", func() bool { return h.n.Load() > 0 })
		}
		l.note = "a listener: "
		dial()
		h := l.hear(ln)
		dial()
		l.until("call", func() bool { return h.n.Load() > 0 })
	})
}

// A call of the callback is posted. Then the callback is removed, or the socket is closed. The call
// must not be made.
func TestD33CallbackNotAfterItIsCleared(t *testing.T) {
	parked(t, func(l *lab) {
		for _, end := range []func(s *socket.Socket) error{
			func(s *socket.Socket) error { return s.SetCallback(nil) },
			(*socket.Socket).Close,
		} {
			_, slow := l.pair()
			peer, s := l.pair()
			busy, goOn := make(chan struct{}), make(chan struct{})
			l.must(slow.SetCallback(func(*socket.Socket) {
				close(busy)
				<-goOn
			}))
			h := l.listen(s)
			l.must(slow.Shutdown(socket.SHUT_RD)) // this arrives now
			<-busy
			l.send(peer, "x") // its call waits until the slow one has returned
			l.readable(s)
			for range 10 {
				l.pass()
			}
			l.must(end(s))
			close(goOn)
			l.must(slow.Close())
			l.quiet()
			h.times(0)
		}
	})
}

// The callback may use its socket in any way. Several arrivals may cause one call, so it reads
// until EAGAIN.
func TestD33CallbackUsesTheSocket(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetBlocking(false))
		var got []byte
		done := make(chan struct{})
		l.must(s.SetCallback(func(s *socket.Socket) {
			for {
				p, err := s.Recv(9)
				if err != nil {
					return
				}
				got = append(got, p...)
				if len(p) == 0 {
					s.Close()
					close(done)
					return
				}
			}
		}))
		for range 5 {
			l.send(c, "ab")
		}
		l.must(c.Close())
		l.until("the end", func() bool {
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
		if string(got) != "ababababab" {
			l.fatalf("got %q", got)
		}
	})
}
