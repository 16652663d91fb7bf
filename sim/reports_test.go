package sim_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// A Difference has the last steps that both runs have, and the first one that differs. Two runs
// with one history have none.
func TestADifferenceIsTheFirstStepThatDiffers(t *testing.T) {
	compare := func(lines func(run int) []string) *sim.Difference {
		runs := 0
		return sim.Compare(1, sim.Options{}, func(w *sim.World) error {
			for i, line := range lines(runs) {
				w.At(time.Duration(i)*time.Second, func() { w.Note("%s", line) })
			}
			runs++
			return w.Run(time.Minute)
		})
	}
	if d := compare(func(int) []string { return []string{"a", "b"} }); d != nil {
		t.Errorf("two equal runs: %v", d)
	}
	if d := compare(func(int) []string { return nil }); d != nil {
		t.Errorf("two empty runs: %v", d)
	}
	steps := []string{"a", "b", "c", "d", "e", "f", "g"}
	text := "both runs:\n"
	for i := 1; i < 6; i++ {
		text += fmt.Sprintf("\t%8d   %d.000000000s %s\n", i+1, i, steps[i])
	}
	text += "the first step that differs:\n\tfirst run:         7   6.000000000s g\n\tsecond run: "
	for _, c := range []struct{ last, second string }{{"G", "       7   6.000000000s G"}, {"", "has ended"}} {
		d := compare(func(run int) []string {
			list := append([]string(nil), steps...)
			switch {
			case run == 0:
			case c.last == "":
				list = list[:6]
			default:
				list[6] = c.last
			}
			return list
		})
		if d == nil || d.String() != text+c.second || d.Step != 7 {
			t.Errorf("got %v\nwant %s", d, text+c.second)
		}
	}
}

// A Deadlock lists what each program waits for: its descriptors, or its parts and theirs.
func TestADeadlockListsWhatProgramsWaitFor(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	wait := func(fill func(p poller.Poller)) {
		p, err := h.NewPoller()
		if err != nil {
			return
		}
		fill(p)
		_, _ = p.Wait(make([]poller.Event, 1), timeout.Never)
	}
	h.Boot("nothing", func() { wait(func(poller.Poller) {}) })
	h.Boot("socket", func() {
		wait(func(p poller.Poller) {
			fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			h.Bind(fd, kernel.Inet(addr("10.0.0.1:9")))
			p.Add(fd, 1, poller.In|poller.Edge)
		})
	})
	h.Boot("part", func() { h.Together(func() { wait(func(poller.Poller) {}) }) })
	h.Boot("ended", func() {})
	err := w.RunUntilDone(time.Minute)
	var d *sim.Deadlock
	if !errors.As(err, &d) {
		t.Fatal(err)
	}
	got := fmt.Sprint(d.Waiting)
	if want := "[10.0.0.1/nothing: no descriptor 10.0.0.1/socket: 1003 (in+edge) udp 10.0.0.1:9 → 0.0.0.0:0 " +
		"10.0.0.1/part: its 1 parts 10.0.0.1/part part 1: no descriptor]"; got != want {
		t.Errorf("waiting: %s\nwant %s", got, want)
	}
}

// A program that closes a descriptor before it unregisters it fails the run. The error names both.
func TestAClosedDescriptorMustNotBeWatched(t *testing.T) {
	w := sim.New(7, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	p, _ := h.NewPoller()
	fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	if err := p.Add(fd, 1, poller.In); err != nil {
		t.Fatal(err)
	}
	h.Close(fd)
	const want = "seed=7 step=4 at=0s: sim: host 10.0.0.1 closes descriptor 1001 (udp 0.0.0.0:0 → 0.0.0.0:0) while it is registered with a Poller; call Del first"
	if err := w.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// Leaks has a line for each descriptor that a program has left open. With a trace it names the line
// that has made the descriptor.
func TestALeakNamesItsPlace(t *testing.T) {
	for trace, place := range map[int]string{0: "", 1: ", made at sim/reports_test.go:#"} {
		w := sim.New(1, sim.Options{Trace: trace})
		h, running := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		h.Boot("main", func() { h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0) })
		running.Boot("main", func() {
			p, err := running.NewPoller()
			for err == nil {
				_, err = p.Wait(make([]poller.Event, 1), timeout.Never)
			}
		})
		w.Run(time.Second)
		got := regexp.MustCompile(":[0-9]+$").ReplaceAllString(strings.Join(w.Leaks(), "\n"), ":#")
		if want := "10.0.0.1: 1000 tcp 0.0.0.0:0 → 0.0.0.0:0 (new)" + place; got != want {
			t.Errorf("with Trace %d: %q, want %q", trace, got, want)
		}
		w.Close()
	}
}
