//go:build unix

package reactor

import (
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/timeout"
)

// A slow turn has one callback: of a Conn, a timer, a post, a Task, or a Task that an Event wakes.
// Longest has the type of the handler, or the name of the function.
func TestLongestNamesItsCallback(t *testing.T) {
	const stall = 7 * time.Millisecond
	for want, cause := range map[string]func(t *lab, stalls func()){
		"*reactor.hooks": func(t *lab, stalls func()) {
			t.dial(t.listen("tcp", always(&hooks{data: func(*Conn, []byte) { stalls() }}))).send("x")
		},
		"timed": func(t *lab, stalls func()) {
			timed := func() { stalls() }
			t.r.After(time.Millisecond, timed)
		},
		"TestLongestNamesItsCallback.func3": func(t *lab, stalls func()) { t.r.Post(func() { stalls() }) },
		"TestLongestNamesItsCallback.func4": func(t *lab, stalls func()) { t.r.Go(func(*Task) { stalls() }) },
		"TestLongestNamesItsCallback.func5": func(t *lab, stalls func()) {
			fd, p := t.pair()
			d := desc.New(t.k, fd, (*taskWaiter)(t.r))
			t.r.Go(func(*Task) {
				d.Recv(&desc.Call{Limit: timeout.None}, make([]byte, 1), 0)
				stalls()
				d.Close()
			})
			t.turn()
			p.send("x")
		},
	} {
		simulated(t, func(t *lab) {
			r := t.reactor()
			r.Load()
			stalled := false
			cause(t, func() {
				t.spend(stall)
				stalled = true
			})
			t.until(func() bool { return stalled })
			for which, turn := range map[string]SlowTurn{"Longest": r.Load().Longest, "Recent": r.Load().Recent} {
				name := want
				if want == "timed" {
					name = "TestLongestNamesItsCallback.func2"
				}
				if !strings.Contains(turn.Callback, name) || !turn.Sure || turn.Callbacks != 1 || turn.Took != stall {
					t.Errorf("%s is %+v, want %v by %s", which, turn, stall, name)
				}
			}
		})
	}
}

// If a slow turn has several callbacks, the loop does not know which one was slow. Then it times
// each callback, and knows the slow one of the next slow turn.
func TestSlowCallbackAmongOthersIsFound(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		ran := 0
		several := func(stall time.Duration) SlowTurn {
			at := ran
			for i := range 5 {
				if i == 2 {
					r.Post(func() { ran++; t.spend(stall) }) // its name ends with func1.1.1
				} else {
					r.Post(func() { ran++ })
				}
			}
			t.until(func() bool { return ran == at+5 })
			return r.Load().Longest
		}
		if first := several(5 * time.Millisecond); first.Sure || first.Callbacks != 5 || first.Took < 5*time.Millisecond {
			t.Errorf("at first %+v, want one of 5, not sure", first)
		}
		if second := several(6 * time.Millisecond); !second.Sure || !strings.HasSuffix(second.Callback, "func1.1.1") {
			t.Errorf("then %+v, want the slow one", second)
		}
	})
}

// Recent forgets a slow turn after at most 20 seconds. Longest does not.
func TestRecentForgets(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		stall := 50 * time.Millisecond
		var again *Timer
		again = r.After(time.Second, func() {
			t.spend(stall)
			again.Reset(time.Second)
			stall = time.Millisecond
		})
		t.pass(9 * time.Second)
		if got := r.Load(); got.Recent.Took != 50*time.Millisecond || got.Longest != got.Recent {
			t.Errorf("recent %+v, longest %+v", got.Recent, got.Longest)
		}
		t.pass(13 * time.Second)
		if got := r.Load(); got.Recent.Took != time.Millisecond || got.Longest.Took != 50*time.Millisecond {
			t.Errorf("later: recent %+v, longest %+v", got.Recent, got.Longest)
		}
		again.Stop()
		t.pass(time.Minute)
		if got := r.Load(); got.Recent.Took != 0 {
			t.Errorf("at the end: recent %+v", got.Recent)
		}
	})
}
