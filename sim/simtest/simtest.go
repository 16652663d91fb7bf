package simtest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/sim"
)

var (
	oneSeed  = flag.Uint64("sim.seed", 0, "run only this `seed`, with its trace")
	seeds    = flag.Uint64("sim.seeds", 0, "run so `many` seeds instead of the test's own number")
	firstOne = flag.Uint64("sim.first", 1, "begin with this `seed`")
	diagrams = flag.Bool("sim.diagram", false, "print a failed history as a sequence diagram, not as a list")
	lines    = flag.Int("sim.lines", 60, "print so many of the last `lines` of a failed history; -1: all")
	shrinks  = flag.Bool("sim.shrink", false, "look for the fewest faults with which a seed still fails, and print that history")
	svg      = flag.String("sim.svg", "", "draw a failed history as a sequence diagram into this `file`")
)

// Check runs f in n worlds, with the seeds 1 … n. f makes hosts, lets the world run and returns
// what is wrong; a Fail of the world's is wrong too. The first seed that fails ends the test, which
// prints the seed, the step, the last lines of its history and the command that replays it:
//
//	go test -run '^TestX$' example.org/x -sim.seed=27
//
// With -sim.shrink it is the history with the fewest faults that fails in the same way, and what
// these are (sim.Shrink). -sim.diagram prints it as a sequence diagram, -sim.svg=out.svg draws it,
// -sim.lines is how much of it is printed. To look further, -sim.seeds is how many seeds there are
// instead of n, and -sim.first the first of them.
//
// The first seed is run twice: when its histories differ, something that is not simulated has a
// hand in the program (the order of a map, a goroutine, time.Now), and a failure could not be
// replayed.
func Check(t testing.TB, n int, f func(w *sim.World) error) {
	t.Helper()
	CheckWith(t, n, func(uint64) sim.Options { return sim.Options{} }, f)
}

// CheckWith is Check with options, which may depend on the seed.
func CheckWith(t testing.TB, n int, options func(seed uint64) sim.Options, f func(w *sim.World) error) {
	t.Helper()
	if *oneSeed != 0 {
		fail(t, *oneSeed, options, f)
		return
	}
	first, last := *firstOne, *firstOne+uint64(n)-1
	if *seeds > 0 {
		last = first + *seeds - 1
	}
	var calls, faults uint64
	for seed := first; seed <= last; seed++ {
		w, err := run(seed, options(seed), f)
		calls += w.Calls()
		faults += w.Injected()
		if err != nil {
			fail(t, seed, options, f)
			if !t.Failed() {
				t.Errorf("seed=%d: %v\nin a second run it was well: something outside the world has a hand in it", seed, err)
			}
			return
		}
		if seed == first {
			again, _ := run(seed, options(seed), f)
			if again.Hash() != w.Hash() {
				t.Errorf("seed=%d: two runs had two histories: something outside the world has a hand in it (a map's order, a goroutine, time.Now)", seed)
				return
			}
		}
	}
	t.Logf("%d seeds, %d calls, %d faults", last-first+1, calls, faults)
}

// run is one world from its beginning to its end.
func run(seed uint64, opt sim.Options, f func(w *sim.World) error) (w *sim.World, err error) {
	w = sim.New(seed, opt)
	defer func() {
		if err == nil {
			err = w.Err()
		}
		w.Close()
	}()
	return w, f(w)
}

// fail runs a seed with its trace and tells what is wrong.
func fail(t testing.TB, seed uint64, options func(uint64) sim.Options, f func(w *sim.World) error) {
	t.Helper()
	opt := options(seed)
	opt.Trace = *lines
	w, err := run(seed, opt, f)
	if err == nil {
		return
	}
	var found strings.Builder
	again, more := "", "\nwith fewer faults: add -sim.shrink"
	if *shrinks {
		again, more = " -sim.shrink", ""
		if s := sim.Shrink(seed, opt, f); s != nil {
			w, err = s.World, s.Err
			told(&found, s)
		}
	} else if w.Injected() == 0 {
		more = ""
	}
	text := err.Error()
	if !strings.HasPrefix(text, "seed=") {
		text = fmt.Sprintf("seed=%d step=%d: %s", seed, w.Step(), text)
	}
	if e := draw(&found, w); e != nil {
		t.Error(e)
	}
	t.Errorf("%s\n%s\nreplay: go test -run '^%s$' %s -sim.seed=%d%s%s", text, found.String(), t.Name(), tested(), seed, again, more)
}

// tested is the package whose test this is; go test wants it before flags that are the test's own.
func tested() string {
	if b, ok := debug.ReadBuildInfo(); ok && strings.HasSuffix(b.Path, ".test") {
		return strings.TrimSuffix(b.Path, ".test")
	}
	return "."
}

// told is what Shrink has found.
func told(b *strings.Builder, s *sim.Shrunk) {
	sure := "each is needed"
	if !s.Least {
		sure = "there may be fewer"
	}
	if len(s.Faults) == 0 && s.Of > 0 {
		fmt.Fprintf(b, "it fails without any of its %d faults (%d runs)\n", s.Of, s.Runs)
		return
	}
	fmt.Fprintf(b, "it fails with %d of %d faults (%d runs; %s):\n", len(s.Faults), s.Of, s.Runs, sure)
	for _, f := range s.Faults {
		fmt.Fprintf(b, "\t%v\n", f)
	}
}

// draw adds the history, as it is asked for.
func draw(b *strings.Builder, w *sim.World) (err error) {
	write := w.WriteTrace
	if *diagrams {
		write = w.WriteDiagram
	}
	if *lines != 0 {
		fmt.Fprintln(b, "the last of its history:")
		err = write(b)
	}
	if *svg == "" || err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := w.WriteSVG(&picture); err != nil {
		return err
	}
	return os.WriteFile(*svg, picture.Bytes(), 0o644)
}
