package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ShrinkRuns is the most runs that Shrink makes.
const ShrinkRuns = 2000

// A Shrunk is the result of Shrink.
type Shrunk struct {
	Err    error   // the error of the smallest run
	Faults []Fault // the faults of the smallest run
	Of     int     // how many faults the first run had
	Sizes  []Size  // the results of World.Size in the smallest run
	Runs   int     // how many runs Shrink has made
	Least  bool    // true: every fault is needed; false: this is not proven
	World  *World  // of the smallest run; it is closed, and has its trace
}

// A Size is an amount of a test's work that Shrink can reduce: see World.Size.
type Size struct {
	Name string
	N    int // the size in this run
	Of   int // the size that the test has passed to World.Size
}

func (s Size) String() string { return fmt.Sprintf("%s=%d of %d", s.Name, s.N, s.Of) }

// Shrinking limits a ShrinkWith and says where it begins.
type Shrinking struct {
	// Budget is how long ShrinkWith may take in real time. 0 means that only ShrinkRuns limits it.
	Budget time.Duration
	// If Stop is not nil and is closed, ShrinkWith ends early. The result is the smallest run so far.
	Stop <-chan struct{}
	// Progress, if not nil, is called after each run with the smallest run so far. This Shrunk has no
	// World yet.
	Progress func(Shrunk)
	// From is an earlier result. ShrinkWith begins with its faults and sizes. If f does not fail with
	// them, From has no effect. See Options.Faulty and Options.Sizes.
	From *Shrunk
}

// Shrink searches a small set of faults and small sizes with which f still fails under the seed, in
// the same way. It runs f repeatedly and leaves out some of the faults each time (Options.Faulty).
// The other faults stay the same, because each occasion has its own random choices. Faults that the
// test itself makes count too: Inject, Cut, Crash, SetClock, Swizzle. Shrink stops each run shortly
// after the virtual time at which the smallest failing run so far has failed. Two failures are the
// same if the first lines of their errors differ only in numbers. For a Deadlock or a Livelock, the
// names of the programs that wait must be the same too.
//
// The result nil means that f does not fail. To repeat the smallest run, pass Faults to New as
// Options.Faulty, and Sizes as Options.Sizes.
func Shrink(seed uint64, opt Options, f func(w *World) error) *Shrunk {
	return ShrinkWith(seed, opt, Shrinking{}, f)
}

// ShrinkWith is Shrink with a time limit and with reports of its progress.
func ShrinkWith(seed uint64, opt Options, how Shrinking, f func(w *World) error) *Shrunk {
	s := &shrinker{seed: seed, opt: opt, how: how, f: f, ends: time.Now().Add(how.Budget), until: never}
	s.opt.Trace = 0
	w, err := s.run(opt.Faulty, opt.Sizes)
	if err == nil {
		return nil
	}
	s.manner = manner(err)
	s.keep(w)
	s.of = len(s.list)
	if from := how.From; from != nil {
		s.still(append([]Fault{}, from.Faults...), sizesOf(from.Sizes))
	}
	least := s.without(0, len(s.list)) // without any fault
	s.sizesDown()
	if !least {
		s.groups()
	}
	for smaller := true; smaller && !s.over(); smaller = s.sizesDown() {
		least = s.halves()
	}
	if s.opt.Trace = opt.Trace; opt.Trace == 0 {
		s.opt.Trace = -1
	}
	s.until = never
	w, err = s.run(s.list, sizesOf(s.sizes))
	r := s.result()
	r.Err, r.Least, r.World = err, least && !s.cut, w
	return &r
}

// A shrinker is the state of a Shrink.
type shrinker struct {
	seed   uint64
	opt    Options
	how    Shrinking
	f      func(w *World) error
	manner string
	of     int
	list   []Fault // faults with which f has failed
	sizes  []Size  // sizes with which f has failed
	until  int64   // a run that has not failed by this time is stopped
	runs   int
	ends   time.Time
	cut    bool // the budget or Stop has ended the Shrink
}

func (s *shrinker) result() Shrunk {
	return Shrunk{Faults: s.list, Of: s.of, Sizes: s.sizes, Runs: s.runs}
}

// over returns whether no more runs may be made.
func (s *shrinker) over() bool {
	late := s.how.Budget > 0 && !time.Now().Before(s.ends)
	select {
	case <-s.how.Stop:
		late = true
	default:
	}
	s.cut = s.cut || late || s.runs >= ShrinkRuns
	return s.cut
}

// groups tries to leave out all faults of one kind, or of one host, at once. So it removes many
// useless faults in few runs.
func (s *shrinker) groups() {
	for _, same := range []func(a, b *Fault) bool{
		func(a, b *Fault) bool { return a.Kind == b.Kind },
		func(a, b *Fault) bool { return a.Host == b.Host },
	} {
		for i := 0; i < len(s.list); {
			one := s.list[i]
			rest := slices.DeleteFunc(append([]Fault{}, s.list...), func(f Fault) bool { return same(&f, &one) })
			if tried := i > 0 && slices.ContainsFunc(s.list[:i], func(f Fault) bool { return same(&f, &one) }); tried || !s.still(rest, sizesOf(s.sizes)) {
				i++
			}
		}
	}
}

// halves tries to leave out a half of the faults, a quarter, and so on, and at last single ones.
// least means that f passes without any single one of the remaining faults.
func (s *shrinker) halves() (least bool) {
	for chunk := (len(s.list) + 1) / 2; !least && !s.over(); chunk = max((chunk+1)/2, 1) {
		some := false
		for i := len(s.list); i > 0 && !s.over(); {
			i = min(i, len(s.list))
			from := max(i-chunk, 0)
			some = s.without(from, i) || some
			i = from
		}
		least = chunk <= 1 && !some && !s.over() || len(s.list) == 0
	}
	return least
}

// without removes a part of the list if f also fails without it.
func (s *shrinker) without(from, to int) bool {
	if from == to {
		return true // there is nothing to leave out
	}
	rest := append(append([]Fault{}, s.list[:from]...), s.list[to:]...)
	if s.still(rest, sizesOf(s.sizes)) {
		return true
	}
	if to-from == 1 {
		return s.moved(s.list[from], rest)
	}
	return false
}

// sizesDown reduces each size. It tries 1, a half, three quarters, and one less, and keeps the
// first one with which f still fails. It returns whether it has reduced a size.
func (s *shrinker) sizesDown() (some bool) {
	for i := 0; i < len(s.sizes); i++ {
		for again := true; again && i < len(s.sizes); {
			again = false
			n := s.sizes[i].N
			for _, try := range slices.Compact([]int{1, n / 2, n * 3 / 4, n - 1}) {
				if try < 1 || try >= n || s.over() {
					continue
				}
				sizes := sizesOf(s.sizes)
				sizes[s.sizes[i].Name] = try
				if s.still(s.list, sizes) {
					some, again = true, true
					break
				}
			}
		}
	}
	return some
}

// still returns whether f fails with only these faults and sizes. If so, this becomes the smallest
// run. faults must not be nil.
func (s *shrinker) still(faults []Fault, sizes map[string]int) bool {
	if s.over() {
		return false
	}
	w, err := s.run(faults, sizes)
	fails := err != nil && manner(err) == s.manner
	if fails {
		s.keep(w) // some of the faults may not have happened
	}
	if s.how.Progress != nil {
		s.how.Progress(s.result())
	}
	return fails
}

// keep makes a failed run the smallest one. The list is never nil, because with nil chance would
// decide again (Options.Faulty).
func (s *shrinker) keep(w *World) {
	s.list, s.sizes = append([]Fault{}, w.Faults()...), w.sizes
	s.until = w.now + (w.now-epoch)/4 + int64(time.Second)
}

func (s *shrinker) run(only []Fault, sizes map[string]int) (w *World, err error) {
	s.runs++
	opt := s.opt
	opt.Faulty, opt.Sizes = only, sizes
	w = New(s.seed, opt)
	w.cutoff = s.until
	defer func() {
		if err == nil {
			err = w.Err()
		}
		w.Close()
	}()
	return w, s.f(w)
}

// errCut is the failure of a run that has not failed in time, so that Shrink has stopped it.
var errCut = errors.New("sim: Shrink has cut off this run")

// Size returns n, or a smaller number in a run of Shrink. n is an amount of the test's work, such
// as a number of clients or operations. Use a different name for each amount. Shrink finds the
// smallest amount with which the test still fails. n must be at least 1, and so is the result.
func (w *World) Size(name string, n int) int {
	if n < 1 {
		panic(fmt.Sprintf("sim: Size(%q, %d): must be 1 or more", name, n))
	}
	for _, s := range w.sizes {
		if s.Name == name {
			return s.N
		}
	}
	s := Size{name, n, n}
	if less, is := w.opt.Sizes[name]; is {
		s.N = max(1, min(n, less))
	}
	w.sizes = append(w.sizes, s)
	return s.N
}

// sizesOf returns the sizes by name, in the form of Options.Sizes.
func sizesOf(list []Size) map[string]int {
	by := map[string]int{}
	for _, s := range list {
		by[s.Name] = s.N
	}
	return by
}
