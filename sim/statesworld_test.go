package sim_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A crowdServer is a server with small socket buffers. It aborts one connection while it handles
// another, and drains while its peers do not read. The mixed workload rarely reaches such
// situations.
type crowdServer struct {
	h     *sim.Host
	conns []*reactor.Conn
	calls int
}

func (s *crowdServer) Opened(c *reactor.Conn) { s.conns = append(s.conns, c) }

func (s *crowdServer) Data(c *reactor.Conn, p []byte) {
	if c.Send(p) != nil {
		_ = c.Abort()
	}
	if s.calls++; s.calls%5 == 0 {
		_ = s.conns[s.h.Rand().Int(len(s.conns))].Abort() // it may be closed already
	}
}

func (s *crowdServer) Closed(c *reactor.Conn, _ error) {
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
}

// crowdClient sends more than the socket buffers hold, then its FIN, and begins to read later.
type crowdClient struct{ left *int }

func (k crowdClient) Opened(c *reactor.Conn) {
	_ = c.Send(make([]byte, 6000))
	_ = c.CloseWrite()
	_ = c.Pause()
	c.Reactor().After(30*time.Millisecond, func() { _ = c.Resume() }) // fails if it was aborted
}

func (crowdClient) Data(*reactor.Conn, []byte) {}

func (k crowdClient) Closed(c *reactor.Conn, _ error) {
	*k.left--
	c.Reactor().Close()
}

// crowdOptions and runCrowd define a world with one server and twelve clients.
func crowdOptions(uint64) sim.Options {
	return sim.Options{Buffer: 2 << 10, Faults: sim.Faults{ShortRead: 5 * sim.Percent, Spurious: 5 * sim.Percent}}
}

func runCrowd(w *sim.World) error {
	server, left := w.Host("10.0.0.1"), 12
	run := func(h *sim.Host, begin func(r *reactor.Reactor) error) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err == nil {
				err = begin(r)
			}
			if err == nil {
				err = r.Run(context.Background())
			}
			if err != nil && left > 0 {
				w.Fail(err)
			}
		})
	}
	s := &crowdServer{h: server}
	run(server, func(r *reactor.Reactor) error {
		r.After(25*time.Millisecond, func() { r.Close() })
		_, err := r.Listen("tcp", ":7", func(*reactor.Conn) reactor.Handler { return s }, reactor.WithLinger(time.Second))
		return err
	})
	for i := range left {
		run(w.Host(fmt.Sprintf("10.0.1.%d", i+1)), func(r *reactor.Reactor) error {
			r.After(5*time.Millisecond, func() {
				if _, err := r.Dial("tcp", "10.0.0.1:7", crowdClient{&left}, reactor.WithLinger(time.Second)); err != nil {
					w.Fail(err)
				}
			})
			return nil
		})
	}
	w.At(6*time.Millisecond, func() { server.Pause(4 * time.Millisecond) }) // so that Events gather
	w.At(12*time.Millisecond, func() { server.Pause(4 * time.Millisecond) })
	if err := w.RunUntilDone(time.Minute); err != nil {
		return err
	}
	if leaks := w.Leaks(); leaks != nil || left != 0 {
		return fmt.Errorf("%d clients are left, and descriptors %v", left, leaks)
	}
	return nil
}
