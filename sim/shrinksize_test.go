package sim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// In crowd each host makes some rounds, and may crash in its third round. crowd fails if host 1
// crashes in its third round.
func crowd(w *sim.World) error {
	hosts, rounds := w.Size("hosts", 9), w.Size("rounds", 40)
	for i := range hosts {
		h := w.Host(fmt.Sprintf("10.0.0.%d", i+1))
		for n := range rounds {
			w.At(time.Duration(n)*time.Second, func() {
				if n == 2 {
					h.Crash()
				}
				if h.Restart(); i == 0 && n == 2 && strings.Contains(fmt.Sprint(w.Faults()), "10.0.0.1: crash") {
					w.Fail(errors.New("ouch"))
				}
			})
		}
	}
	return w.Run(time.Minute)
}

// Shrink finds the smallest sizes with which a test fails, and World.Size returns these sizes in a
// later run.
func TestShrinkMakesTheWorkSmaller(t *testing.T) {
	s := sim.Shrink(1, sim.Options{}, crowd)
	want := []sim.Size{{Name: "hosts", N: 1, Of: 9}, {Name: "rounds", N: 3, Of: 40}}
	if s == nil || !reflect.DeepEqual(s.Sizes, want) || len(s.Faults) != 1 || !s.Least {
		t.Fatalf("got %+v", s)
	}
	if text := fmt.Sprint(s.Sizes); text != "[hosts=1 of 9 rounds=3 of 40]" {
		t.Errorf("the sizes are %s", text)
	}
	w := sim.New(1, sim.Options{Faulty: s.Faults, Sizes: map[string]int{"hosts": 1, "rounds": 3}})
	defer w.Close()
	if err := crowd(w); err == nil || w.Hash() != s.World.Hash() {
		t.Errorf("the smallest run again: %v, hash %#x and %#x", err, w.Hash(), s.World.Hash())
	}
	quiet := sim.New(1, sim.Options{Sizes: map[string]int{"hosts": 100, "rounds": 0}})
	defer quiet.Close()
	if a, b := quiet.Size("hosts", 9), quiet.Size("rounds", 40); a != 9 || b != 1 || quiet.Size("hosts", 5) != 9 {
		t.Errorf("sizes above what is asked, and below 1: %d, %d", a, b)
	}
	for _, n := range []int{0, -1} {
		if v := catch(func() { quiet.Size("x", n) }); !strings.Contains(fmt.Sprint(v), "must be 1 or more") {
			t.Errorf("Size of %d: %v", n, v)
		}
	}
}

func catch(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// Shrink stops a run that has not failed shortly after the time at which the smallest failing run
// has failed. The smallest failing run itself runs to its end.
func TestShrinkCutsARunOff(t *testing.T) {
	var latest []time.Duration
	s := sim.Shrink(1, sim.Options{}, func(w *sim.World) error {
		at := len(latest)
		latest = append(latest, 0)
		h := w.Host("10.0.0.1")
		for n := range 1000 {
			w.At(time.Duration(n)*time.Second, func() {
				latest[at] = w.Now()
				if n == 10 {
					h.Crash()
				}
				if n == 10 && !h.Up() {
					w.Fail(errors.New("ouch"))
				}
			})
		}
		return w.Run(time.Hour)
	})
	if s == nil || len(s.Faults) != 1 || !strings.Contains(s.Err.Error(), "ouch") {
		t.Fatalf("got %+v", s)
	}
	if most := slices.Max(latest); most < 11*time.Second || most > 14*time.Second {
		t.Errorf("the runs went on for %v", latest)
	}
}

// Shrink ends early if Stop is closed or the budget is used up. It returns the smallest failing run
// so far, with Least false. A later Shrink continues from the run that is passed as From.
func TestShrinkEndsEarlyWithWhatItHas(t *testing.T) {
	many := func(w *sim.World) error {
		h := w.Host("10.0.0.1")
		for range 64 {
			h.Crash()
			h.Restart()
		}
		for _, f := range w.Faults() {
			if f.Nth == 20 {
				return errors.New("ouch")
			}
		}
		return nil
	}
	stop := make(chan struct{})
	var seen []int
	s := sim.ShrinkWith(1, sim.Options{}, sim.Shrinking{Stop: stop, Progress: func(s sim.Shrunk) {
		if seen = append(seen, len(s.Faults)); len(s.Faults) == 16 {
			close(stop)
		}
	}}, many)
	if s == nil || len(s.Faults) != 16 || s.Least || s.Of != 64 || s.Err == nil || !slices.IsSortedFunc(seen, func(a, b int) int { return b - a }) {
		t.Fatalf("stopped: %+v, seen %v", s, seen)
	}
	if late := sim.ShrinkWith(1, sim.Options{}, sim.Shrinking{Budget: 1}, many); late == nil || late.Least || len(late.Faults) != 64 || late.Err == nil {
		t.Errorf("with no time: %+v", late)
	}
	on := sim.ShrinkWith(1, sim.Options{}, sim.Shrinking{From: s}, many)
	whole := sim.Shrink(1, sim.Options{}, many)
	if on == nil || len(on.Faults) != 1 || !on.Least || on.Of != 64 || on.Runs >= whole.Runs+1 || !reflect.DeepEqual(on.Faults, whole.Faults) {
		t.Errorf("from there: %+v", on)
	}
}

// A fault survives a round trip through JSON. A file of another version is an error.
func TestFaultsAsJSON(t *testing.T) {
	fails := func(w *sim.World) error {
		return asks(w, func(_ int, e kernel.Errno, answered bool) error { return nil })
	}
	w := sim.New(3, sim.Options{})
	fails(w)
	defer w.Close()
	text, err := json.Marshal(w.Faults())
	var back []sim.Fault
	if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || !reflect.DeepEqual(back, w.Faults()) || len(back) == 0 {
		t.Errorf("%v: %v", err, back)
	}
	for _, bad := range []string{`{"Kind":200}`, `{"Call":99}`, `[]`, `{"Kind":"x"}`} {
		var f sim.Fault
		if json.Unmarshal([]byte(bad), &f) == nil {
			t.Errorf("%s is a fault: %v", bad, f)
		}
	}
}

// WriteAround shows the steps of the fault's hosts around each fault, with notes and log lines. It
// counts the steps that it leaves out.
func TestStepsAroundFaults(t *testing.T) {
	around := func(keep int) string {
		w, good := echoWorld(t, 5, sim.Options{Trace: keep, Segment: 1448}, 3, 40_000)
		defer w.Close()
		server := w.Host("10.0.7.7")
		w.At(2*time.Millisecond, func() { w.Note("the test is here") })
		w.At(3*time.Millisecond, func() { server.Crash(); server.Restart() })
		if err := w.RunUntil(func() bool { return good() == 3 }, time.Minute); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := w.WriteAround(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := around(-1)
	for _, want := range []string{" … ", " lines (", "the test is here\n", "crash 10.0.7.7\n", "restart 10.0.7.7\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\ndoes not have %q", text, want)
		}
	}
	if strings.Contains(text, " recv(") {
		t.Errorf("%s\nhas calls of other hosts", text)
	}
	if text := around(5); text != "" {
		t.Errorf("of a trace that has lost the fault: %s", text)
	}
}
