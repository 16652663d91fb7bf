package simtest

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

var (
	oneSeed  = flag.Uint64("sim.seed", 0, "run only this `seed`, with its trace")
	seeds    = flag.Uint64("sim.seeds", 0, "run so `many` seeds instead of the test's own number")
	firstOne = flag.Uint64("sim.first", 1, "begin with this `seed`")
	diagrams = flag.Bool("sim.diagram", false, "print a failed history as a sequence diagram, not as a list")
	lines    = flag.Int("sim.lines", linesDefault, "print so many of the last `lines` of a failed history; -1: all")
	shrinks  = flag.Bool("sim.shrink", false, "look for the fewest faults with which a seed still fails, and print that history")
	only     = flag.String("sim.only", "", "print only these steps: a `list` of hosts, descriptors, faults, notes, logs, packets, calls; see sim.ParseOnly")
	budget   = flag.Duration("sim.budget", time.Minute, "shrink for so `long` at most; 0: no limit but sim.ShrinkRuns")
	shrunk   = flag.String("sim.shrunk", "", "keep the smallest run of -sim.shrink in this `file`, and go on from it; without -sim.shrink: run it")
	jobs     = flag.Int("sim.jobs", 1, "run so `many` seeds at once, 0: one for each core; the test's function must not share variables between worlds then")
	state    = flag.String("sim.state", "", "keep in this `file` which seeds have passed, and go on from there")
	svg      = flag.String("sim.svg", "", "draw a failed history as a sequence diagram into this `file`, and its further pages beside it")
)

// Check runs f in n worlds, with the seeds 1 … n. f makes hosts, lets the world run, and returns an
// error if something is wrong. A Fail of the world is an error too. The first seed that fails ends
// the test. Its report contains the seed, the step, the last lines of the history and a command for
// a replay:
//
//	go test -run '^TestX$' example.org/x -sim.seed=27
//
// If no seed fails, the last line of the output has the number of faults of each kind, and the
// counts of World.Sometimes. If a name of World.Sometimes was true under no seed, the test fails.
//
// With -sim.shrink Check reports the faults and sizes that the failure needs (sim.Shrink), and the
// steps around these faults. The printed history is that of the run with only these faults. The
// search takes at most the time of -sim.budget, and writes its progress to stderr. After an
// interrupt it reports the smallest run so far. -sim.shrunk=out.json stores the smallest run in a
// file. A later search begins with the run in the file.
//
// -sim.diagram prints the history as a sequence diagram, and -sim.svg=out.svg draws it. The pages
// of a long history are out.svg, out-2.svg and so on. -sim.lines sets how many lines are printed,
// and -sim.only=10.0.0.2,faults,logs selects the steps (sim.ParseOnly). -sim.seeds replaces n.
// -sim.first is the first seed.
//
// -sim.jobs=0 runs seeds on all cores. -sim.state=out.json stores the sums of the seeds that have
// passed in a file, even after an interrupt. The same command continues from there.
//
// Check runs some seeds twice: those that fail, six of the first 20, and each 100th. If the two
// histories differ, the program depends on something that is not simulated: the order of a map, a
// goroutine, or time.Now. Then the test fails and reports the first different step of both runs
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
	if *jobs < 0 {
		t.Errorf("-sim.jobs=%d: must be 0 (one for each core) or more", *jobs)
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
	c := &campaign{t: t, options: options, f: f, last: last, sum: sum{First: first, Next: first, Kinds: map[string]int{}, Reached: map[string]int{}}}
	if err := c.resume(); err != nil {
		t.Errorf("-sim.state: %v", err)
		return
	}
	o, failed := c.all()
	if err := c.save(); err != nil {
		t.Errorf("-sim.state: %v", err)
	}
	switch {
	case failed:
		c.failed(o, selected)
	case c.sum.Next <= last:
		t.Errorf("interrupted before seed %d of %d", c.sum.Next, last)
	default:
		c.passed()
	}
}

// liveRuns is how often Check runs a seed of a live world again until the seed fails again.
const liveRuns = 20

// sampled returns whether the nth seed runs twice even if it passes. This holds for six of the
// first 20 seeds, and then for each 100th.
func sampled(n uint64) bool { return n <= 16 && n&(n-1) == 0 || n%100 == 0 }

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// twoHistories reports the first step in which two runs of a seed differ.
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
