package simtest

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
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
	only     = flag.String("sim.only", "", "print only these steps: a `list` of hosts, descriptors, faults, notes, logs, packets, calls; see sim.ParseOnly")
	svg      = flag.String("sim.svg", "", "draw a failed history as a sequence diagram into this `file`")
)

// Check runs f in n worlds, with the seeds 1 … n. f makes hosts, lets the world run and returns an
// error if something is wrong. A Fail of the world is an error too. The first seed that fails ends
// the test. It prints the seed, the step, the last lines of the history and a command for a replay:
//
//	go test -run '^TestX$' example.org/x -sim.seed=27
//
// The last line of a test that passes has the faults by kind, and what World.Sometimes has
// recorded. A name that was true under no seed fails the test.
//
// With -sim.shrink it prints the faults that are needed (sim.Shrink), and the history with only
// these. -sim.diagram prints the history as a sequence diagram, and -sim.svg=out.svg draws it.
// -sim.lines sets how much of it is printed, and -sim.only=10.0.0.2,faults,logs which steps
// (sim.ParseOnly). -sim.seeds replaces n. -sim.first is the first seed.
//
// Seeds that fail, six of the first 20, and each 100th run twice. If the two histories differ,
// the program depends on something that is not simulated: the order of a map, a goroutine, or
// time.Now. The test then fails, and prints the first step that differs from both runs
// (sim.Compare).
func Check(t testing.TB, n int, f func(w *sim.World) error) {
	t.Helper()
	CheckWith(t, n, func(uint64) sim.Options { return sim.Options{} }, f)
}

// CheckWith is Check with options, which may depend on the seed.
func CheckWith(t testing.TB, n int, options func(seed uint64) sim.Options, f func(w *sim.World) error) {
	t.Helper()
	selected, err := sim.ParseOnly(*only)
	if err != nil {
		t.Errorf("-sim.only: %v", err)
		return
	}
	if *oneSeed != 0 {
		fail(t, *oneSeed, options, f, selected)
		return
	}
	if n < 1 {
		t.Errorf("simtest: Check of %d seeds: must be 1 or more", n)
		return
	}
	first, last := *firstOne, *firstOne+uint64(n)-1
	if *seeds > 0 {
		last = first + *seeds - 1
	}
	var calls, faults uint64
	kinds, reached := map[string]int{}, map[string]int{}
	for seed := first; seed <= last; seed++ {
		w, err := run(seed, options(seed), f)
		calls += w.Calls()
		faults += w.Injected()
		for _, f := range w.Faults() {
			kinds[f.Kind.String()]++
		}
		for name, n := range w.Reached() {
			reached[name] += n
		}
		if err != nil || sampled(seed-first) {
			again, err2 := run(seed, options(seed), f)
			if again.Hash() != w.Hash() || firstLine(err) != firstLine(err2) {
				t.Error(twoHistories(seed, options(seed), f, err, err2))
				return
			}
		}
		if err != nil {
			fail(t, seed, options, f, selected)
			if !t.Failed() {
				t.Errorf("seed=%d: %v\nanother run did not fail: the program depends on something that is not simulated", seed, err)
			}
			return
		}
	}
	t.Logf("%d seeds, %d calls, %d faults: %v", last-first+1, calls, faults, kinds)
	if len(reached) > 0 {
		t.Logf("reached: %v", reached)
	}
	for _, name := range slices.Sorted(maps.Keys(reached)) {
		if reached[name] == 0 {
			t.Errorf("never in %d seeds: %s", last-first+1, name)
		}
	}
}

// sampled returns whether the nth seed runs twice though it passes: six of the first 20, then each
// 100th.
func sampled(n uint64) bool { return n <= 16 && n&(n-1) == 0 || n%100 == 0 }

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// twoHistories says where the two runs of a seed part.
func twoHistories(seed uint64, opt sim.Options, f func(w *sim.World) error, errs ...error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed=%d: two runs had two histories: the program depends on something that is not simulated "+
		"(a map's order, a goroutine, time.Now)\n", seed)
	for i, err := range errs {
		if err != nil {
			fmt.Fprintf(&b, "run %d failed: %s\n", i+1, firstLine(err))
		}
	}
	if d := sim.Compare(seed, opt, f); d != nil {
		b.WriteString(d.String())
	} else {
		b.WriteString("in ten more pairs of runs the histories were equal")
	}
	return b.String()
}

// run runs one world from its beginning to its end.
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

// fail runs a seed with its trace and reports the error.
func fail(t testing.TB, seed uint64, options func(uint64) sim.Options, f func(w *sim.World) error, selected sim.Only) {
	t.Helper()
	opt := options(seed)
	opt.Trace, opt.Only = *lines, selected
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

// tested returns the path of the package under test. go test needs it before the test's own flags.
func tested() string {
	if b, ok := debug.ReadBuildInfo(); ok && strings.HasSuffix(b.Path, ".test") {
		return strings.TrimSuffix(b.Path, ".test")
	}
	return "."
}

// told describes the result of Shrink.
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

// draw adds the history in the form that the flags ask for.
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
