//go:build unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A turn that has not slept begins when the turn before it has ended. So no time counts twice.
func TestTurnsWithoutASleepCountOnce(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		left := 5
		var again func()
		again = func() {
			t.spend(time.Second)
			if left--; left > 0 {
				r.Post(again)
			}
		}
		r.Post(again)
		t.until(func() bool { return left == 0 })
		if l := r.Load(); l.Busy != 5*time.Second || l.Turns.Sum != l.Busy {
			t.Errorf("busy %v, the sum of turns is %v, want 5 s", l.Busy, l.Turns.Sum)
		}
	})
}

// When the loop has ended, Load does not change any more.
func TestLoadStopsWithTheLoop(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		r.Load()
		t.pass(time.Second)
		t.shutdown(guard)
		ended := r.Load()
		t.pass(time.Second)
		if later := r.Load(); later.Idle != ended.Idle || later.Busy != ended.Busy || later.Present != 0 {
			t.Errorf("busy %v, idle %v at the end; busy %v, idle %v a second later", ended.Busy, ended.Idle, later.Busy, later.Idle)
		}
	})
}

// Load first reads when the present turn began, and then the figures. If the turn ends in between,
// its time does not count twice. Later Loads return no smaller times.
func TestTurnThatEndsDuringLoadCountsOnce(t *testing.T) {
	f := figures{often: often{turnEnded: 300}}
	for began, want := range map[timeout.Deadline]time.Duration{0: 0, 200: 0, 300: 100, 350: 50} {
		if got := f.present(began, 100, 400); got != want {
			t.Errorf("a turn that began at %d: %d, want %d", began, got, want)
		}
	}
	var s shown
	s.grow(20, 30)
	if busy, idle := s.grow(10, 40); busy != 20 || idle != 40 {
		t.Errorf("busy %d, idle %d, want 20 and 40", busy, idle)
	}
}
