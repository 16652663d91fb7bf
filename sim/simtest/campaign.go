package simtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

// A campaign runs the seeds of one test.
type campaign struct {
	t       testing.TB
	options func(seed uint64) sim.Options
	f       func(w *sim.World) error
	last    uint64
	sum     sum
	saved   time.Time
}

// A sum has the totals of all seeds before Next. The file of -sim.state contains a sum for each
// test.
type sum struct {
	First, Next   uint64
	Hash          uint64 // of the history of seed First; 0 means none
	Calls, Faults uint64
	Kinds         map[string]int
	Reached       map[string]int
}

// An outcome is the result of one seed.
type outcome struct {
	seed          uint64
	hash          uint64
	calls, faults uint64
	kinds         map[string]int
	reached       map[string]int
	live          bool
	err, again    error // of the first run and of the second
	differs       bool  // the two runs had different histories
	panicked      any   // the panic of f in a goroutine of -sim.jobs
	stack         []byte
}

func (o *outcome) fails() bool { return o.err != nil || o.differs || o.panicked != nil }

// one runs a seed. It runs some seeds twice.
func (c *campaign) one(seed uint64) *outcome {
	w, err := run(seed, c.options(seed), c.f)
	o := &outcome{seed: seed, hash: w.Hash(), calls: w.Calls(), faults: w.Injected(), kinds: map[string]int{}, reached: w.Reached(), live: w.IsLive(), err: err}
	for _, f := range w.Faults() {
		o.kinds[f.Kind.String()]++
	}
	if (err != nil || sampled(seed-c.sum.First)) && !o.live {
		var w2 *sim.World
		w2, o.again = run(seed, c.options(seed), c.f)
		o.differs = w2.Hash() != w.Hash() || firstLine(err) != firstLine(o.again)
	}
	return o
}

// all runs the seeds until one fails or an interrupt comes. It returns the outcome of the lowest
// seed that has failed.
func (c *campaign) all() (o *outcome, failed bool) {
	interrupts := make(chan os.Signal, 1)
	if *state != "" {
		signal.Notify(interrupts, os.Interrupt)
		defer signal.Stop(interrupts)
	}
	n := *jobs
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	next, end := c.inTurn, func() {}
	if n > 1 {
		next, end = c.inParallel(n)
	}
	defer end()
	for c.sum.Next <= c.last && len(interrupts) == 0 {
		if o = next(); o.fails() {
			return o, true
		}
		c.add(o)
	}
	return nil, false
}

func (c *campaign) inTurn() *outcome { return c.one(c.sum.Next) }

// inParallel runs seeds in n goroutines. next returns their outcomes in the order of the seeds. end
// waits for the goroutines.
func (c *campaign) inParallel(n int) (next func() *outcome, end func()) {
	var seed atomic.Uint64
	var running sync.WaitGroup
	seed.Store(c.sum.Next - 1)
	results, stop := make(chan *outcome, n), make(chan struct{})
	deliver := func(o *outcome) {
		select {
		case results <- o:
		case <-stop:
			seed.Store(c.last) // no further seeds
		}
	}
	for range n {
		running.Go(func() {
			for s := seed.Add(1); s <= c.last; s = seed.Add(1) {
				c.guarded(s, deliver)
			}
		})
	}
	early := map[uint64]*outcome{}
	next = func() *outcome {
		for early[c.sum.Next] == nil {
			o := <-results
			early[o.seed] = o
		}
		o := early[c.sum.Next]
		delete(early, o.seed)
		return o
	}
	return next, func() { close(stop); running.Wait() }
}

// errExited is the value with which a seed panics if f has called FailNow or Goexit.
var errExited = errors.New("the test's function has ended its goroutine (FailNow, Skip, Goexit): with -sim.jobs it must return an error")

// guarded calls one and delivers the outcome. If one panics, the outcome contains the panic, so
// that the goroutine of the test can panic with the same value.
func (c *campaign) guarded(seed uint64, deliver func(*outcome)) {
	var o *outcome
	defer func() {
		if o == nil {
			o = &outcome{seed: seed, panicked: errExited, stack: debug.Stack()}
			if v := recover(); v != nil {
				o.panicked = v
			}
		}
		deliver(o)
	}()
	o = c.one(seed)
}

func (c *campaign) add(o *outcome) {
	s := &c.sum
	if o.seed == s.First && !o.live {
		s.Hash = o.hash
	}
	s.Next = o.seed + 1
	s.Calls += o.calls
	s.Faults += o.faults
	for k, n := range o.kinds {
		s.Kinds[k] += n
	}
	for name, n := range o.reached {
		s.Reached[name] += n
	}
	if time.Since(c.saved) > saveEvery {
		if err := c.save(); err != nil {
			c.t.Errorf("-sim.state: %v", err)
		}
	}
}

// failed reports a seed that has failed.
func (c *campaign) failed(o *outcome, only sim.Only) {
	c.t.Helper()
	if o.panicked != nil {
		panic(fmt.Sprintf("seed=%d: %v\n\n%s", o.seed, o.panicked, o.stack))
	}
	if o.differs {
		c.t.Error(twoHistories(o.seed, c.options(o.seed), c.f, o.err, o.again))
		return
	}
	runs, why := 1, "the program depends on something that is not simulated"
	if o.live {
		runs, why = liveRuns, "the scheduler orders the goroutines of a live world"
	}
	for i := 0; i < runs && !c.t.Failed(); i++ {
		fail(c.t, o.seed, c.options, c.f, only)
	}
	if !c.t.Failed() {
		c.t.Errorf("seed=%d: %v\nanother run did not fail (%d tried): %s", o.seed, o.err, runs, why)
	}
}

// passed prints the sums, and fails the test if a name of World.Sometimes was never true.
func (c *campaign) passed() {
	c.t.Helper()
	s, n := &c.sum, c.sum.Next-c.sum.First
	c.t.Logf("%d seeds, %d calls, %d faults: %v", n, s.Calls, s.Faults, s.Kinds)
	if len(s.Reached) > 0 {
		c.t.Logf("reached: %v", s.Reached)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Reached)) {
		if s.Reached[name] == 0 {
			c.t.Errorf("never in %d seeds: %s", n, name)
		}
	}
}

// saveEvery is how often the file of -sim.state is written.
const saveEvery = 10 * time.Second

// stateFile is locked while the file of -sim.state is read or written, because tests may run in
// parallel.
var stateFile sync.Mutex

func readState() (map[string]sum, error) {
	all := map[string]sum{}
	text, err := os.ReadFile(*state)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		if err = json.Unmarshal(text, &all); err != nil {
			err = fmt.Errorf("%s: %w", *state, err)
		}
	}
	return all, err
}

// resume continues at the seed that the file names. It runs the first seed again. If the history of
// that seed differs from the one in the file, the program has changed, and the sums in the file are
// useless.
func (c *campaign) resume() error {
	c.saved = time.Now()
	if *state == "" {
		return nil
	}
	stateFile.Lock()
	defer stateFile.Unlock()
	all, err := readState()
	s, is := all[c.t.Name()]
	if err != nil || !is {
		return err
	}
	if s.First != c.sum.First || s.Next < s.First || s.Kinds == nil || s.Reached == nil {
		return fmt.Errorf("%s has %s from seed %d on, not from %d; remove it, or name another file", *state, c.t.Name(), s.First, c.sum.First)
	}
	if s.Hash != 0 {
		if w, _ := run(s.First, c.options(s.First), c.f); w.Hash() != s.Hash {
			return fmt.Errorf("%s is of another version of the program: seed %d has another history; remove it", *state, s.First)
		}
	}
	c.sum = s
	c.t.Logf("continues with seed %d", s.Next)
	return nil
}

func (c *campaign) save() error {
	c.saved = time.Now()
	if *state == "" {
		return nil
	}
	stateFile.Lock()
	defer stateFile.Unlock()
	all, err := readState()
	if err != nil {
		return err
	}
	all[c.t.Name()] = c.sum
	text, err := json.MarshalIndent(all, "", "\t")
	if err == nil {
		err = replace(*state, text)
	}
	return err
}
