package sim_test

import (
	"context"
	"errors"

	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A server holds a connection on which no output waits. So only probes can find out that the client
// or the network has failed. The server probes every 15 s, and gives up after nine probes without
// an answer.
func TestKeepAliveFindsOutAboutASilentPeer(t *testing.T) {
	const idle = 15 * time.Second
	for name, c := range map[string]struct {
		kept        bool
		happens     func(w *sim.World, server, client *sim.Host, c *reactor.Conn)
		want        error
		early, late time.Duration // after the event at 1 s
	}{
		"its reset was lost": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) {
			w.Cut(server, client)
			c.Abort()
			w.At(time.Second, w.Heal)
		}, kernel.ECONNRESET, idle, idle + time.Second},
		"its reset was lost, nobody probes": {false, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) {
			w.Cut(server, client)
			c.Abort()
			w.At(time.Second, w.Heal)
		}, nil, 0, 0},
		"it has crashed": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) { client.Crash() },
			kernel.ETIMEDOUT, 10 * idle, 10*idle + time.Second},
		"it has crashed and come back": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) {
			client.Crash()
			w.At(20*time.Second, client.Restart)
		}, kernel.ECONNRESET, 2 * idle, 2*idle + time.Second},
		"the way is cut for long": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) { w.CutOneWay(client, server) }, kernel.ETIMEDOUT, 10 * idle, 10*idle + time.Second},
		"the way is cut for a time": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) {
			w.Cut(server, client)
			w.At(9*idle, w.Heal)
		}, nil, 0, 0},
		"nothing": {true, func(w *sim.World, server, client *sim.Host, c *reactor.Conn) {}, nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(1, sim.Options{})
			defer w.Close()
			server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
			var end error
			var began, ended time.Duration
			closed := false
			server.Boot("server", func() {
				r := simReactor(t, server)
				opts := []reactor.ListenOption{}
				if c.kept {
					opts = append(opts, reactor.WithKeepAlive(idle))
				}
				if _, err := r.Listen("tcp", ":7", func(*reactor.Conn) reactor.Handler {
					return &lone{func(err error) { closed, end, ended = true, err, w.Now() }}
				}, opts...); err != nil {
					t.Error(err)
				}
				r.Run(context.Background())
			})
			var conn *reactor.Conn
			client.Boot("client", func() {
				r := simReactor(t, client)
				r.After(time.Millisecond, func() {
					if conn == nil { // no second dial after a crash
						conn, _ = r.Dial("tcp", "10.0.0.1:7", mute{})
					}
				})
				r.Run(context.Background())
			})
			w.At(time.Second, func() { began = w.Now(); c.happens(w, server, client, conn) })
			if err := w.RunUntilIdle(); err != nil {
				t.Fatal(err)
			}
			if closed != (c.want != nil) || !errors.Is(end, c.want) {
				t.Fatalf("closed: %v, %v; want %v", closed, end, c.want)
			}
			if after := ended - began; closed && (after < c.early || after > c.late) {
				t.Errorf("%v after it happened, want %v … %v", after, c.early, c.late)
			}
		})
	}
}

// lone is a Handler that reports the end of its connection.
type lone struct{ closed func(error) }

func (h *lone) Data(*reactor.Conn, []byte)        {}
func (h *lone) Closed(_ *reactor.Conn, err error) { h.closed(err) }

func simReactor(t testing.TB, h *sim.Host) *reactor.Reactor {
	r, err := reactor.New(reactor.WithKernel(h))
	if err != nil {
		t.Error(err)
	}
	return r
}
