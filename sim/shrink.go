package sim

import (
	"errors"
	"fmt"
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
	Sizes  []Size  // what World.Size returned in the smallest run
	Runs   int     // how many runs it took
	Least  bool    // every fault is needed; false: the runs or the budget did not suffice to prove it
	World  *World  // of the smallest run: closed, with its trace
}

// A Size is a part of a test's work that Shrink can make smaller: see World.Size.
type Size struct {
	Name string
	N    int // in this run
	Of   int // what the test has asked for
}

func (s Size) String() string { return fmt.Sprintf("%s=%d of %d", s.Name, s.N, s.Of) }

// Shrinking says how long ShrinkWith continues, and where it begins.
type Shrinking struct {
	// Budget is how long ShrinkWith may take, in real time. 0 means that only ShrinkRuns limits it.
	Budget time.Duration
	// If Stop is not nil, closing it ends ShrinkWith early. The result is the smallest run so far.
	Stop <-chan struct{}
	// Progress, if not nil, is called after each run with the smallest so far, which has no World
	// yet.
	Progress func(Shrunk)
	// From is an earlier result, with whose faults and sizes ShrinkWith begins. It has no effect if
	// f does not fail with them. See Options.Faulty and Options.Sizes.
	From *Shrunk
}

// Shrink looks for a small set of faults and a small size with which f still fails under the seed,
// in the same way. It runs f repeatedly and leaves out some of the faults each time
// (Options.Faulty). The others stay the same, because each occasion has its own choices. Faults
// that the test makes itself count too: Inject, Cut, Crash, SetClock, Swizzle. Shrink stops each
// run soon after the virtual time at which the smallest failing run so far has failed. Two failures
// count as the same if the first lines of their errors differ only in numbers.
//
// nil means that f does not fail. To repeat the smallest run, pass Faults to New as Options.Faulty,
// and Sizes as Options.Sizes.
func Shrink(seed uint64, opt Options, f func(w *World) error) *Shrunk {
	return ShrinkWith(seed, opt, Shrinking{}, f)
}

// ShrinkWith is Shrink with a limit of time, and with progress.
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
	least := s.without(0, len(s.list)) // with no fault at all
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

// A shrinker is a Shrink in progress.
type shrinker struct {
	seed   uint64
	opt    Options
	how    Shrinking
	f      func(w *World) error
	manner string
	of     int
	list   []Fault // faults with which f fails
	sizes  []Size  // sizes with which f fails
	until  int64   // a run that has not failed by then is cut off
	runs   int
	ends   time.Time
	cut    bool // the budget or Stop has ended it early
}

func (s *shrinker) result() Shrunk {
	return Shrunk{Faults: s.list, Of: s.of, Sizes: s.sizes, Runs: s.runs}
}

// over returns whether no run is left.
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

// groups leaves out all faults of one kind, or of one host, at once. So it removes many useless
// faults in few runs.
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

// halves leaves out a half, a quarter … and at last one of the faults, until f passes without any
// single one of them. It returns whether that point was reached.
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

// without drops a part of the list if f also fails without it.
func (s *shrinker) without(from, to int) bool {
	if from == to {
		return from == 0
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

// sizesDown makes each size smaller. It tries 1 first, then a half, three quarters, and one less,
// and keeps the first size with which f still fails. It returns whether a size has become smaller.
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

// still returns whether f fails with these faults and sizes alone. If f fails, still stores them as
// the smallest run. faults is not nil.
func (s *shrinker) still(faults []Fault, sizes map[string]int) bool {
	if s.over() {
		return false
	}
	w, err := s.run(faults, sizes)
	fails := err != nil && manner(err) == s.manner
	if fails {
		s.keep(w) // some faults may not have happened
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

// errCut is the failure of a run of Shrink that did not fail in time.
var errCut = errors.New("sim: Shrink has cut off this run")

// Size returns n, or fewer in a run of Shrink. n is a part of the test's work, such as a number of
// clients or operations. Use a different name for each number. Shrink finds the smallest with which
// the test still fails. n must be 1 or more, and so is the result.
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

// sizesOf returns the sizes by name, as Options has them.
func sizesOf(list []Size) map[string]int {
	by := map[string]int{}
	for _, s := range list {
		by[s.Name] = s.N
	}
	return by
}

// manner returns how a run has failed: the first line of its error without the numbers. A list of
// numbers counts as one.
func manner(err error) string {
	text := err.Error()
	if f, ok := err.(*Failure); ok {
		text = f.Err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	var b strings.Builder
	digit := false
	for _, c := range text {
		is := c >= '0' && c <= '9'
		if !is {
			b.WriteRune(c)
		} else if !digit {
			b.WriteByte('#')
		}
		digit = is
	}
	text = b.String()
	for strings.Contains(text, "# #") {
		text = strings.ReplaceAll(text, "# #", "#")
	}
	return text
}
