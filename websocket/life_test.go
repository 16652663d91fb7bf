package websocket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// A world has a server and a client, on two simulated hosts.
type world struct {
	*sim.World
	server, client *sim.Host
	loop           *reactor.Reactor // of the server
	dials          *reactor.Reactor
	done           bool
}

// inWorld runs a server with the Handlers of accept. One second later it starts the client.
func inWorld(w *sim.World, accept func(*Request) Handler, opts []Option, client func(w *world) error) (failed error) {
	o := &world{World: w, server: w.Host("10.0.0.1"), client: w.Host("10.0.0.2")}
	boot := func(h *sim.Host, begin func(r *reactor.Reactor) error) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err == nil {
				err = begin(r)
			}
			if err != nil {
				panic(err)
			}
			_ = r.Run(context.Background())
		})
	}
	boot(o.server, func(r *reactor.Reactor) error {
		o.loop = r
		s, err := NewServer(accept, opts...)
		if err != nil {
			return err
		}
		_, err = r.Listen("tcp", ":80", s.Accept)
		return err
	})
	boot(o.client, func(r *reactor.Reactor) error {
		o.dials = r
		r.After(time.Second, func() { failed = client(o) })
		return nil
	})
	if err := w.RunUntil(func() bool { return o.done || failed != nil }, 2*time.Hour); err != nil {
		return fmt.Errorf("%w; %w", err, failed)
	}
	return failed
}

const serverURL = "ws://10.0.0.1/"

// dialOptions makes the random numbers of a client depend only on the seed.
func (w *world) dialOptions(opts ...Option) []Option {
	rng := w.client.Rand()
	return append(opts, WithRand(func() uint64 { return uint64(rng.Int(1<<30))<<34 | uint64(rng.Int(1<<30)) }))
}

// raw makes the handshake without this package. data gets the bytes that the server sends after its
// status 101.
func (w *world) raw(data func(c *reactor.Conn, p []byte), closed func(err error)) error {
	c, err := w.dials.Dial("tcp", "10.0.0.1:80", &rawHandler{data: data, closed: closed})
	if err == nil {
		err = c.Send([]byte(request()))
	}
	return err
}

type rawHandler struct {
	data    func(c *reactor.Conn, p []byte)
	closed  func(err error)
	head    string
	started bool
}

func (h *rawHandler) Data(c *reactor.Conn, p []byte) {
	if !h.started {
		h.head += string(p)
		_, rest, found := strings.Cut(h.head, "\r\n\r\n")
		if h.started = found; !found {
			return
		}
		p = []byte(rest)
	}
	h.data(c, p)
}

func (h *rawHandler) Closed(_ *reactor.Conn, err error) { h.closed(err) }

// A peer that answers pings stays connected. A peer that does not answer two pings is aborted,
// after at least twice and at most four times the interval of WithPing.
func TestSilentPeerIsAborted(t *testing.T) {
	const every = 10 * time.Second
	simtest.Check(t, 5, func(w *sim.World) error {
		ends := map[string]error{}
		var took time.Duration
		return inWorld(w, func(r *Request) Handler {
			name := map[bool]string{true: "first", false: "second"}[r.Target == "/"]
			began := time.Time{}
			return &funcs{
				opened: func(c *Conn) { began = c.Reactor().Time() },
				closed: func(c *Conn, err error) { ends[name], took = err, c.Reactor().Time().Sub(began) },
			}
		}, []Option{WithPing(every)}, func(w *world) error {
			client := &funcs{}
			if _, err := Dial(w.dials, serverURL, client, w.dialOptions()...); err != nil { // answers pings
				return err
			}
			pings := 0
			err := w.raw(func(_ *reactor.Conn, p []byte) { pings++ }, func(error) {})
			w.dials.After(20*every, func() {
				switch end := ends["second"]; {
				case ends["first"] != nil:
					err = fmt.Errorf("a peer that answers: %w", ends["first"])
				case !errors.Is(end, ErrSilent) || took < 2*every || took > 4*every || pings == 0:
					err = fmt.Errorf("a peer that does not: %w after %v, %d pings", end, took, pings)
				}
				if err != nil {
					panic(err)
				}
				w.done = true
			})
			return err
		})
	})
}

// A connection without messages is closed with GoingAway, and not before the idle timeout. Pings do
// not extend the timeout, but each message restarts it.
func TestIdleConnectionIsClosed(t *testing.T) {
	const idle = 10 * time.Second
	for _, opts := range [][]Option{{WithIdleTimeout(idle)}, {WithIdleTimeout(idle), WithPing(time.Second)}} {
		simtest.Check(t, 3, func(w *sim.World) error {
			var last time.Time
			return inWorld(w, func(r *Request) Handler {
				return &funcs{
					message: func(c *Conn, kind Kind, p []byte) { last = c.Reactor().Time() },
					closed: func(c *Conn, err error) {
						if quiet := c.Reactor().Time().Sub(last); quiet < idle || quiet > 2*idle+time.Second {
							panic(fmt.Sprint("closed after ", quiet))
						}
					},
				}
			}, opts, func(w *world) error {
				left := 5
				var say func()
				h := &funcs{closed: func(_ *Conn, err error) {
					var why *CloseError
					if !errors.As(err, &why) || *why != (CloseError{GoingAway, "idle", true}) || left > 0 {
						panic(fmt.Sprint("closed with ", err, ", ", left, " messages left"))
					}
					w.done = true
				}}
				h.opened = func(c *Conn) {
					say = func() {
						_ = c.Send(Text, []byte("x"))
						if left--; left > 0 {
							w.dials.After(idle-time.Second, say)
						}
					}
					say()
				}
				_, err := Dial(w.dials, serverURL, h, w.dialOptions()...)
				return err
			})
		})
	}
}

// If the peer does not answer a Close, the connection is aborted at the timeout of
// WithCloseTimeout, even if the peer continues to send. No Message is delivered after Close.
func TestCloseHasATimeout(t *testing.T) {
	simtest.Check(t, 5, func(w *sim.World) error {
		var began time.Time
		return inWorld(w, func(r *Request) Handler {
			return &funcs{
				message: func(c *Conn, kind Kind, p []byte) {
					if !began.IsZero() {
						panic("a Message after Close")
					}
					began = c.Reactor().Time()
					if err := c.Close(3000, "enough"); err != nil {
						panic(err)
					}
				},
				closed: func(c *Conn, err error) {
					if took := c.Reactor().Time().Sub(began); !errors.Is(err, ErrCloseTimeout) || took < 3*time.Second {
						panic(fmt.Sprint(err, " after ", took))
					}
				},
			}
		}, []Option{WithCloseTimeout(3 * time.Second)}, func(w *world) error {
			c, err := w.dials.Dial("tcp", "10.0.0.1:80", &rawHandler{data: func(*reactor.Conn, []byte) {}, closed: func(error) { w.done = true }})
			if err != nil {
				return err
			}
			var say func()
			say = func() {
				if c.Send(masked(fin|text, "x")) == nil {
					w.dials.After(100*time.Millisecond, say)
				}
			}
			_ = c.Send([]byte(request()))
			say()
			return nil
		})
	})
}

// The time limit holds for the handshake as a whole: a client that sends one byte every 100 ms is
// closed at the limit.
func TestHandshakeHasATimeout(t *testing.T) {
	simtest.Check(t, 3, func(w *sim.World) error {
		return inWorld(w, func(r *Request) Handler { panic("not complete") }, []Option{WithHandshakeTimeout(5 * time.Second)}, func(w *world) error {
			began := w.dials.Time()
			c, err := w.dials.Dial("tcp", "10.0.0.1:80", &rawHandler{closed: func(error) {
				if took := w.dials.Time().Sub(began); took < 5*time.Second || took > 7*time.Second {
					panic(fmt.Sprint("after ", took))
				}
				w.done = true
			}})
			var say func()
			text := request()
			say = func() {
				if c.Send([]byte(text[:1])) == nil {
					text = text[1:]
					w.dials.After(100*time.Millisecond, say)
				}
			}
			say()
			return err
		})
	})
}

// A drain of the server's loop sends code 1001 to each connection. Closed of both sides gets this
// code.
func TestDrainSendsGoingAway(t *testing.T) {
	simtest.Check(t, 5, func(w *sim.World) error {
		ends := 0
		check := func(peer bool) func(*Conn, error) {
			return func(_ *Conn, err error) {
				var why *CloseError
				if !errors.As(err, &why) || why.Code != GoingAway || why.Peer != peer {
					panic(fmt.Sprint("closed with ", err))
				}
				ends++
			}
		}
		return inWorld(w, func(r *Request) Handler { return &funcs{closed: check(false)} }, nil, func(w *world) error {
			var err error
			for range 3 {
				_, err = Dial(w.dials, serverURL, &funcs{closed: check(true)}, w.dialOptions()...)
			}
			w.dials.After(time.Second, func() { w.loop.Close() })
			w.dials.After(2*time.Second, func() {
				if ends != 6 {
					panic(fmt.Sprint(ends, " ends"))
				}
				w.done = true
			})
			return err
		})
	})
}
