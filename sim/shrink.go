package sim

import (
	"slices"
	"strings"
	"time"
)

// ShrinkRuns is how many runs Shrink makes at most.
const ShrinkRuns = 2000

// A Shrunk is what Shrink has found.
type Shrunk struct {
	Err    error   // what the least run fails with
	Faults []Fault // that happen in it
	Of     int     // how many there were
	Runs   int     // it took
	Least  bool    // each fault is needed; false: ShrinkRuns were not enough to be sure
	World  *World  // of the least run, closed: it has the trace
}

// Shrink looks for few faults with which f still fails under the seed, and in the same way. It runs
// f again and again with some of the faults left out (Options.Faulty): the others stay what they
// are, for every occasion has choices of its own. What a test does itself — Inject, Cut, Crash,
// SetClock, Swizzle — counts as a fault too. Failures are the same when the first lines of their
// errors differ in numbers only.
//
// nil: f does not fail. To see one of the runs again, give Faults to New as Options.Faulty.
func Shrink(seed uint64, opt Options, f func(w *World) error) *Shrunk {
	s := &shrinker{seed: seed, opt: opt, f: f}
	s.opt.Trace = 0
	w, err := s.run(opt.Faulty)
	if err == nil {
		return nil
	}
	s.manner = manner(err)
	s.list = faultsOf(w)
	of := len(s.list)
	least := s.without(0, of)
	for chunk := (of + 1) / 2; !least && s.runs < ShrinkRuns; chunk = (chunk + 1) / 2 {
		some := false
		for i := len(s.list); i > 0 && s.runs < ShrinkRuns; {
			i = min(i, len(s.list))
			from := max(i-chunk, 0)
			some = s.without(from, i) || some
			i = from
		}
		least = chunk == 1 && !some && s.runs < ShrinkRuns || len(s.list) == 0
	}
	if s.opt.Trace = opt.Trace; opt.Trace == 0 {
		s.opt.Trace = -1
	}
	w, err = s.run(s.list)
	return &Shrunk{Err: err, Faults: s.list, Of: of, Runs: s.runs, Least: least, World: w}
}

type shrinker struct {
	seed   uint64
	opt    Options
	f      func(w *World) error
	manner string
	list   []Fault // f fails with these
	runs   int
}

// without leaves out some of the list if f fails without them too.
func (s *shrinker) without(from, to int) bool {
	if from == to {
		return from == 0
	}
	rest := append(append([]Fault{}, s.list[:from]...), s.list[to:]...)
	if s.still(rest) {
		return true
	}
	if to-from == 1 {
		return s.moved(s.list[from], rest)
	}
	return false
}

// still tells whether f fails with these alone, and keeps them if it does.
func (s *shrinker) still(faults []Fault) bool {
	if s.runs >= ShrinkRuns {
		return false
	}
	w, err := s.run(faults)
	if err == nil || manner(err) != s.manner {
		return false
	}
	s.list = faultsOf(w) // some may not have come to happen
	return true
}

// faultsOf is never nil: without a list chance decides again (Options.Faulty).
func faultsOf(w *World) []Fault { return append([]Fault{}, w.Faults()...) }

// A series is occasions that are numbered together.
type series struct {
	kind     Kind
	call     Call
	host, to string
}

func (f *Fault) series() series {
	k := f.Kind
	switch k {
	case Doubled, Late, Reset: // packets
		k = Lost
	case NeverReads: // new descriptors
		k = OneByte
	}
	return series{k, f.Call, f.Host, f.To}
}

// seriesMost is of how many series the numbers are moved, each by itself: 3 ways for each.
const seriesMost = 3

// moved looks for those that are left after one at other numbers. Without a fault a call is not
// repeated, or a packet goes out that did not: what came after it has another number in its series
// than it had.
func (s *shrinker) moved(gone Fault, rest []Fault) bool {
	var all []series
	for i := range rest {
		if f := &rest[i]; f.At >= gone.At && !slices.Contains(all, f.series()) {
			all = append(all, f.series())
		}
	}
	if i := slices.Index(all, gone.series()); i > 0 {
		all[0], all[i] = all[i], all[0]
	}
	each := min(len(all), seriesMost)
	ways := 1
	for range each {
		ways *= 3
	}
	for way := 1; way < ways; way++ {
		by := map[series]int{}
		for i, n := range all {
			if i < seriesMost {
				by[n] = []int{0, -1, 1}[way/pow3(i)%3]
			}
		}
		if s.still(renumbered(rest, gone.At, by)) {
			return true
		}
	}
	return false
}

func pow3(n int) int { return []int{1, 3, 9}[n] }

// renumbered is the faults with those from a time on moved in their series.
func renumbered(faults []Fault, from time.Duration, by map[series]int) []Fault {
	list := slices.Clone(faults)
	for i := range list {
		if f := &list[i]; f.At >= from {
			f.Nth += by[f.series()]
		}
	}
	return list
}

func (s *shrinker) run(only []Fault) (w *World, err error) {
	s.runs++
	opt := s.opt
	opt.Faulty = only
	w = New(s.seed, opt)
	defer func() {
		if err == nil {
			err = w.Err()
		}
		w.Close()
	}()
	return w, s.f(w)
}

// manner is how something has failed: the first line of its error without the numbers.
func manner(err error) string {
	text := err.Error()
	if f, ok := err.(*Failure); ok {
		text = f.Err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	var b strings.Builder
	digit := false
	for _, c := range text {
		if is := c >= '0' && c <= '9'; !is {
			b.WriteRune(c)
		} else if !digit {
			b.WriteByte('#')
		}
		digit = c >= '0' && c <= '9'
	}
	return b.String()
}
