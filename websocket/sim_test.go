package websocket

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

func faulty(seed uint64) sim.Options {
	return sim.Options{
		Kernel: []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3],
		Buffer: 4 << 10,
		Faults: sim.Faults{ShortRead: 40 * sim.Percent, ShortWrite: 40 * sim.Percent, Spurious: 20 * sim.Percent},
	}
}

// Messages are echoed in order, whole and in parts, compressed or not, although each kernel call
// reads and writes only a few bytes. The client uses callbacks and sometimes pauses, or it uses a
// task.
func TestEchoUnderFaults(t *testing.T) {
	simtest.CheckWith(t, longtest.Count(8, 60, 2000), faulty, func(w *sim.World) error {
		rng := w.Host("10.0.0.3").Rand()
		z := []*Compression{nil, {Least: 1}, {Least: 1, Takeover: true}}
		server, client := z[rng.Int(3)], z[rng.Int(3)]
		var want []string
		for range 10 {
			want = append(want, strings.Repeat(fmt.Sprint("text ", rng.Int(1000)), rng.Int(1+rng.Int(3000))))
		}
		accept := func(*Request) Handler { return &funcs{message: echo} }
		return inWorld(w, accept, with(server), func(w *world) error {
			if rng.Int(2) == 0 {
				return w.askInTask(want, with(client))
			}
			i := 0
			h := &funcs{closed: func(_ *Conn, err error) {
				if err != nil || i < len(want) {
					panic(fmt.Sprint("closed after ", i, " messages: ", err))
				}
				w.done = true
			}}
			h.opened = func(c *Conn) {
				for _, m := range want {
					var err error
					if p := []byte(m); rng.Int(2) == 0 {
						err = c.Send(Text, p)
					} else if err = c.SendPart(Text, p[:len(p)/2], false); err == nil {
						err = c.SendPart(Text, p[len(p)/2:], true)
					}
					if err != nil {
						panic(err)
					}
				}
			}
			h.message = func(c *Conn, kind Kind, p []byte) {
				if kind != Text || string(p) != want[i] {
					panic(fmt.Sprintf("message %d: %v %.20q, want %.20q", i, kind, p, want[i]))
				}
				if i++; i == len(want) {
					_ = c.Close(Normal, "")
					return
				}
				if rng.Int(3) == 0 {
					_ = c.Pause()
					w.dials.After(time.Second, func() { _ = c.Resume() })
				}
			}
			_, err := Dial(w.dials, serverURL, h, w.dialOptions(with(client)...)...)
			return err
		})
	})
}

// askInTask runs a client in a task.
func (w *world) askInTask(want []string, opts []Option) error {
	n := netconn.On(w.dials)
	w.dials.Go(func(task *reactor.Task) {
		nc, err := n.Dial("tcp", "10.0.0.1:80")
		if err != nil {
			panic(err)
		}
		s, err := NewStream(nc, serverURL, append(w.dialOptions(opts...), WithClock(n.Time))...)
		if err != nil {
			panic(err)
		}
		writer := task.Go(func(*reactor.Task) {
			for _, m := range want {
				if err := s.Send(Text, []byte(m)); err != nil {
					panic(err)
				}
			}
		})
		for i, m := range want {
			if kind, p, err := s.Receive(); err != nil || kind != Text || string(p) != m {
				panic(fmt.Sprintf("message %d: %v %.20q, %v", i, kind, p, err))
			}
		}
		if _, err := task.Join(writer); err != nil {
			panic(err)
		}
		if err := s.Close(Normal, ""); err != nil {
			panic(err)
		}
		if _, _, err := s.Receive(); err != io.EOF {
			panic(err)
		}
		w.done = true
	})
	return nil
}

// When its loop drains, a task that serves a Stream sends code 1001.
func TestDrainOfATaskSendsGoingAway(t *testing.T) {
	simtest.Check(t, 5, func(w *sim.World) error {
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		var code Code
		program := func(h *sim.Host, late time.Duration, f func(r *reactor.Reactor, n *netconn.Net)) {
			h.Boot("main", func() {
				r, err := reactor.New(reactor.WithKernel(h))
				if err != nil {
					panic(err)
				}
				r.Go(func(t *reactor.Task) {
					if t.Sleep(late) == nil {
						f(r, netconn.On(r))
					}
				})
				_ = r.Run(context.Background())
			})
		}
		program(a, 0, func(r *reactor.Reactor, n *netconn.Net) {
			s, err := NewServer(nil, WithClock(n.Time))
			if err != nil {
				panic(err)
			}
			l, err := n.Listen("tcp", ":80")
			if err != nil {
				panic(err)
			}
			nc, err := l.Accept()
			if err != nil {
				panic(err)
			}
			st, err := s.Stream(nc)
			if err != nil {
				panic(err)
			}
			r.After(3*time.Second, r.Close)
			_, _, err = st.Receive()
			if err == nil {
				panic("a message")
			}
		})
		program(b, time.Second, func(r *reactor.Reactor, n *netconn.Net) {
			nc, err := n.DialTimeout("tcp", "10.0.0.1:80", time.Minute)
			if err != nil {
				panic(err)
			}
			rng := b.Rand()
			st, err := NewStream(nc, serverURL, WithClock(n.Time), WithRand(func() uint64 { return uint64(rng.Int(1 << 30)) }))
			if err != nil {
				panic(err)
			}
			_, _, err = st.Receive()
			why, ok := err.(*CloseError)
			if !ok {
				panic(err)
			}
			code = why.Code
			r.Close()
		})
		if err := w.RunUntil(func() bool { return code != 0 }, time.Hour); err != nil {
			return err
		}
		if code != GoingAway {
			return fmt.Errorf("code %v", code)
		}
		return nil
	})
}
