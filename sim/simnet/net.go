package simnet

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ureactor/ureactor/internal/stuck"
	"github.com/ureactor/ureactor/sim"
)

// A Net is a World inside a bubble. Any goroutine of the bubble may use it.
type Net struct{ live *sim.Live }

// New puts a World into the bubble of the caller. From now on the World follows the clock of the
// bubble, without calls of World.Run. Before New, a test may only set hosts, links, names and
// faults. Close ends the Net. The function Run calls New and Close.
func New(w *sim.World) *Net {
	if time.Now().After(bubblesEnd) {
		panic("simnet: New outside of a bubble: call it in the function of synctest.Test, or use Run")
	}
	return &Net{w.Live()}
}

// bubblesEnd distinguishes the clock of a bubble, which begins in the year 2000, from the machine's
// clock, which is later than bubblesEnd.
var bubblesEnd = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Run calls f in a new bubble that contains the World, and closes the World. Run returns the error
// of f, joined with the error of the World: see World.Fail. Call it in the function that is passed
// to simtest.Check.
func Run(t *testing.T, w *sim.World, f func(n *Net) error) (err error) {
	t.Helper()
	if f == nil {
		panic("simnet: Run of a nil function")
	}
	var bubble atomic.Pointer[string]
	defer watch(&bubble)()
	synctest.Test(t, func(*testing.T) {
		id := stuck.Self()
		bubble.Store(&id)
		n := New(w)
		defer func() {
			if e := n.Close(); err == nil {
				err = e
			}
		}()
		err = f(n)
	})
	return err
}

// patience is the real time after which Run examines a bubble. If goroutines of the bubble stop its
// clock, Run calls stalled. Tests replace both variables.
var (
	patience = 10 * time.Second
	stalled  = func(text string) { panic(text) }
)

// watch looks for goroutines of the bubble that wait for something outside of the bubble.
func watch(bubble *atomic.Pointer[string]) (stop func() bool) {
	return stuck.Watch(patience, func(all []stuck.Goroutine) (found []stuck.Goroutine) {
		id := bubble.Load()
		for _, g := range all {
			switch {
			case id == nil || g.Bubble != *id:
			case !g.Waits():
				return nil // the bubble is busy
			case !strings.HasSuffix(g.State, "(durable)"):
				found = append(found, g)
			}
		}
		return found
	}, func(stacks string) {
		stalled("simnet: the bubble's clock stands still, because goroutines wait for something outside of it: the machine's " +
			"network, a file, a lock, or a channel that was made outside; use the Hosts of the Net:\n\n" + stacks)
	})
}

// Host makes a machine with these addresses, as World.Host does.
func (n *Net) Host(addrs ...string) *Host {
	var h *sim.Host
	n.Do(func(w *sim.World) { h = w.Host(addrs...) })
	return n.on(h)
}

// Do calls f, which may use the World and its sim.Hosts: to cut links, to crash hosts, to change
// faults and latencies, or to plan such acts with World.At. f must not wait, and must not use the
// network itself. The same holds for the functions of At and AddRule.
func (n *Net) Do(f func(w *sim.World)) { n.live.Do(f) }

// Close crashes all hosts: every call on a connection fails, even if the call is already waiting.
// Close returns the World's error. The bubble ends only when the goroutines in it have ended. A
// second Close does nothing.
func (n *Net) Close() error {
	if err := n.live.Close(); err != nil {
		return fmt.Errorf("simnet: %w", err)
	}
	return nil
}
