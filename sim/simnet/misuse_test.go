package simnet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
)

// panics calls f, which must panic with a message that contains the text.
func panics(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v := fmt.Sprint(recover()); !strings.Contains(v, text) {
			t.Errorf("panicked with %q, want %q", v, text)
		}
	}()
	f()
}

// Misuse panics with a message that says what to do. Examples are a Net outside of a bubble, one
// world for two tests, and a goroutine outside of the bubble. Direct use of a live world panics
// too.
func TestMisusePanics(t *testing.T) {
	used := sim.New(1, sim.Options{})
	if err := simnet.Run(t, used, func(*simnet.Net) error { return nil }); err != nil {
		t.Error(err)
	}
	panics(t, "New outside of a bubble", func() { simnet.New(sim.New(1, sim.Options{})) })
	panics(t, "Run of a nil function", func() { simnet.Run(t, used, nil) })
	calls := make(chan func())
	defer close(calls)
	done := make(chan bool)
	go func() { // this goroutine is outside of the bubble
		for f := range calls {
			f()
			done <- true
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		panics(t, "each test needs a world of its own", func() { simnet.New(used) })
		w := sim.New(1, sim.Options{})
		n := simnet.New(w)
		h := n.Host("10.0.0.1")
		panics(t, "live already, perhaps in another test", func() { simnet.New(w) })
		panics(t, "Do of a nil function", func() { n.Do(nil) })
		panics(t, "start a goroutine", func() { n.Do(func(*sim.World) { h.Listen("tcp", ":80") }) })
		panics(t, "start a goroutine", func() { n.Do(func(*sim.World) { n.Do(func(*sim.World) {}) }) })
		panics(t, "outside of Live.Do", func() { w.At(time.Second, func() {}) })
		panics(t, "outside of Live.Do", func() { h.Sim().Crash() })
		panics(t, "the world is live", func() { w.Run(time.Second) })
		panics(t, "SetClock of a live world", func() { n.Do(func(*sim.World) { h.Sim().SetClock(1) }) })
		calls <- func() {
			panics(t, "a goroutine outside of the bubble uses a world", func() { h.Dial("tcp", "10.0.0.1:80") })
		}
		<-done
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		panics(t, "its test has ended", func() { n.Do(func(*sim.World) {}) })
		if _, err := h.Listen("tcp", ":80"); err == nil {
			t.Error("a closed Net listens")
		}
	})
}

// Run returns the error of a World that fails, joined with the error of its function.
func TestFailureOfTheWorldIsTheError(t *testing.T) {
	w := sim.New(1, sim.Options{})
	err := simnet.Run(t, w, func(n *simnet.Net) error {
		n.Do(func(w *sim.World) { w.At(time.Second, func() { w.Fail(fmt.Errorf("too late")) }) })
		time.Sleep(time.Minute)
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "at=1s: too late") {
		t.Error(err)
	}
}
