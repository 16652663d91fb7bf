package sim_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte)    { c.Send(p) }
func (echo) Closed(c *reactor.Conn, err error) {}

type client struct {
	got  []byte
	want int
	done func(got []byte, err error)
}

func (h *client) Data(c *reactor.Conn, p []byte) {
	h.got = append(h.got, p...)
	if len(h.got) == h.want {
		c.Close()
	}
}
func (h *client) Closed(c *reactor.Conn, err error) { h.done(h.got, err); c.Reactor().Close() }

func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	x := uint32(seed) + 1
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// echoWorld makes a server and n clients. Each client sends size bytes and expects them back. good
// returns how many clients have received them.
func echoWorld(t testing.TB, seed uint64, opt sim.Options, n, size int) (w *sim.World, good func() int) {
	w = sim.New(seed, opt)
	server := w.Host("10.0.0.1")
	server.Boot("echo", func() {
		r, err := reactor.New(reactor.WithKernel(server))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := r.Listen("tcp", ":7", func(*reactor.Conn) reactor.Handler { return echo{} }); err != nil {
			t.Error(err)
		}
		r.Run(context.Background())
	})
	ok := 0
	for i := range n {
		h := w.Host("10.0.1." + string(rune('1'+i)))
		h.Boot("client", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				t.Error(err)
				return
			}
			sent := pattern(size, byte(i))
			r.After(10*time.Millisecond, func() {
				c, err := r.Dial("tcp", "10.0.0.1:7", &client{want: size, done: func(got []byte, err error) {
					if err == nil && bytes.Equal(got, sent) {
						ok++
					} else {
						t.Errorf("client %d: %d bytes, %v", i, len(got), err)
					}
				}})
				if err != nil {
					t.Error(err)
					return
				}
				c.Send(sent)
			})
			r.Run(context.Background())
		})
	}
	return w, func() int { return ok }
}

// Five clients send 300,000 bytes each to an echo server, and receive all of them.
func TestEcho(t *testing.T) {
	w, good := echoWorld(t, 1, sim.Options{Trace: 400}, 5, 300_000)
	err := w.RunUntil(func() bool { return good() == 5 }, time.Minute)
	if err != nil || good() != 5 {
		var b bytes.Buffer
		w.WriteTrace(&b)
		t.Fatalf("%d, %v\n%s", good(), err, b.String())
	}
	t.Log(w.Now(), w.Step(), w.Calls())
	w.Close()
}
