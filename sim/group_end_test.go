package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A Group of a simulated host panics outside of a program, because only a program can wait for the
// Group's loops. The panic says what to do.
func TestGroupRunsInAProgramOnly(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	g, err := reactor.NewGroup(2, reactor.WithKernel(h))
	if err != nil {
		t.Fatal(err)
	}
	for text, f := range map[string]func(){
		"call it in the function of Host.Boot": func() { _ = g.Run(context.Background()) },
		"call it in the function of Boot":      func() { h.Together() },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, text) {
					t.Errorf("panicked with %q", v)
				}
			}()
			f()
		}()
	}
	if err := g.Shutdown(context.Background()); err != nil || h.Files() != 0 {
		t.Errorf("%v, %d descriptors", err, h.Files())
	}
}

// A crash, a kill and a pause affect all loops of a Group.
func TestGroupDiesAsOne(t *testing.T) {
	for name, end := range map[string]func(h *sim.Host){
		"crash": func(h *sim.Host) { h.Crash() },
		"kill":  func(h *sim.Host) { h.Kill("crew") },
	} {
		w := sim.New(1, sim.Options{})
		h := w.Host("10.0.0.1")
		ticks := [3]int{}
		h.Boot("crew", func() {
			g, err := reactor.NewGroup(3, reactor.WithKernel(h))
			if err != nil {
				panic(err)
			}
			for i, r := range g.Loops() {
				var tick func()
				tick = func() { ticks[i]++; r.After(time.Millisecond, tick) }
				tick()
			}
			_ = g.Run(context.Background())
		})
		w.At(100*time.Millisecond, func() { end(h) })
		if err := w.RunUntilDone(time.Minute); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, n := range ticks {
			if n < 90 || n > 110 {
				t.Errorf("%s: loop %d has run %d ms", name, i, n)
			}
		}
		if h.Files() != 0 {
			t.Errorf("%s: %d descriptors", name, h.Files())
		}
		w.Close()
	}
}
