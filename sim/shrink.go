package sim

import (
	"slices"
	"strings"
	"time"
)

// ShrinkRuns is the most runs that Shrink makes.
const ShrinkRuns = 2000

// A Shrunk is the result of Shrink.
type Shrunk struct {
	Err    error   // of the smallest run
	Faults []Fault // those of the smallest run
	Of     int     // how many faults the first run had
	Runs   int     // how many runs it took
	Least  bool    // every fault is needed; false: ShrinkRuns did not suffice to prove it
	World  *World  // of the smallest run: closed, with its trace
}

// Shrink looks for a small set of faults with which f still fails under the seed, in the same way.
// It runs f repeatedly and leaves out some of the faults each time (Options.Faulty). The others
// stay the same, because each occasion has its own choices. Faults that the test makes itself count
// too: Inject, Cut, Crash, SetClock, Swizzle. Two failures are the same if the first lines of their
// errors differ only in numbers.
//
// nil means that f does not fail. To repeat the smallest run, pass Faults to New as Options.Faulty.
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

// without drops a part of the list if f also fails without it.
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

// still returns whether f fails with these faults alone. If it does, it keeps them as the list.
func (s *shrinker) still(faults []Fault) bool {
	if s.runs >= ShrinkRuns {
		return false
	}
	w, err := s.run(faults)
	if err == nil || manner(err) != s.manner {
		return false
	}
	s.list = faultsOf(w) // some may not have happened
	return true
}

// faultsOf is never nil, because without a list chance decides again (Options.Faulty).
func faultsOf(w *World) []Fault { return append([]Fault{}, w.Faults()...) }

// A series is a kind of occasions that are numbered together.
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

// seriesMost is the number of series that moved renumbers. It tries 3 ways for each.
const seriesMost = 3

// moved looks for the remaining faults at other numbers. Without the fault a call may not be
// repeated, or one more packet may be sent. Later occasions then have other numbers in their
// series.
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

// renumbered returns the faults. Those from a time on have other numbers in their series.
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

// manner returns how a run has failed: the first line of its error without the numbers.
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
