package sim_test

import (
	"context"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// busy returns a program that does something at every opportunity: in a timer, a task, Closed,
// deferred functions, and code after Run. did counts what it has done.
func busy(h *sim.Host, did *int, crash func(r *reactor.Reactor)) func() {
	return func() {
		defer func() { *did++ }()
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return &clientFunc{done: func([]byte, error) { *did++ }} })
		r.After(time.Millisecond, func() {
			r.Dial("tcp", h.Name()+":80", &clientFunc{done: func([]byte, error) { *did++ }})
		})
		var tick func()
		tick = func() { *did++; r.After(time.Millisecond, tick) }
		tick()
		r.Go(func(t *reactor.Task) {
			defer func() { *did++ }()
			for t.Sleep(time.Millisecond) == nil {
				*did++
			}
			*did++
		})
		if crash != nil {
			r.After(100*time.Millisecond, func() { crash(r); *did++ })
			r.Go(func(t *reactor.Task) { t.Sleep(100 * time.Millisecond); crash(r); *did++ })
		}
		r.Run(context.Background())
		*did++
	}
}

// After a crash nothing of a program runs, so it cannot write to its disk any more. The test causes
// the crash, or a callback or task of the program causes it, or it happens in the middle of a call.
// A restart runs the program from its beginning.
func TestNothingOfADeadProgramRuns(t *testing.T) {
	for name, plan := range map[string]func(w *sim.World, h *sim.Host) (inside func(r *reactor.Reactor)){
		"by the test": func(w *sim.World, h *sim.Host) func(*reactor.Reactor) {
			w.At(100*time.Millisecond, h.Crash)
			return nil
		},
		"by the program": func(w *sim.World, h *sim.Host) func(*reactor.Reactor) { return func(*reactor.Reactor) { h.Crash() } },
		"during a call": func(w *sim.World, h *sim.Host) func(*reactor.Reactor) {
			h.During(sim.Wait, 100, func(int) { h.Crash() })
			return nil
		},
		"killed by the test": func(w *sim.World, h *sim.Host) func(*reactor.Reactor) {
			w.At(100*time.Millisecond, func() { h.Kill("busy") })
			return nil
		},
		"killed by itself": func(w *sim.World, h *sim.Host) func(*reactor.Reactor) {
			return func(*reactor.Reactor) { h.Kill("busy") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			did := 0
			h.Boot("busy", busy(h, &did, plan(w, h)))
			if err := w.Run(200 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			dead := did
			if err := w.RunUntilDone(time.Minute); err != nil {
				t.Errorf("a dead program is not over: %v", err)
			}
			if h.Files() != 0 {
				t.Errorf("%d descriptors are left", h.Files())
			}
			w.Run(time.Minute)
			if did != dead || did < 50 {
				t.Errorf("it has done %d things, %d of them when it was dead", did, did-dead)
			}
			if h.Restart(); h.Up() {
				h.Start("busy")
			}
			if w.Run(50 * time.Millisecond); did < dead+50 {
				t.Errorf("started again it has done %d things", did-dead)
			}
			w.Close()
		})
	}
}
