package simtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

// A keptShrink is the content of the file of -sim.shrunk.
type keptShrink struct {
	Test   string
	Seed   uint64
	Faults []sim.Fault
	Sizes  []sim.Size
}

func (k *keptShrink) sizes() map[string]int {
	by := map[string]int{}
	for _, s := range k.Sizes {
		by[s.Name] = s.N
	}
	return by
}

// keptRun returns the run in the file of -sim.shrunk, or nil if there is none.
func keptRun(t testing.TB, seed uint64) (*keptShrink, error) {
	if *shrunk == "" {
		return nil, nil
	}
	text, err := os.ReadFile(*shrunk)
	if errors.Is(err, fs.ErrNotExist) && *shrinks {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("-sim.shrunk: %w", err)
	}
	k := &keptShrink{}
	if err := json.Unmarshal(text, k); err != nil {
		return nil, fmt.Errorf("-sim.shrunk: %s: %w", *shrunk, err)
	}
	if k.Test != t.Name() || k.Seed != seed {
		return nil, fmt.Errorf("-sim.shrunk: %s is of %s with seed %d, not of %s with seed %d; remove it, or name another file",
			*shrunk, k.Test, k.Seed, t.Name(), seed)
	}
	if k.Faults == nil {
		k.Faults = []sim.Fault{}
	}
	return k, nil
}

// save replaces the whole file in one step.
func (k *keptShrink) save() error {
	text, err := json.MarshalIndent(k, "", "\t")
	if err == nil {
		err = replace(*shrunk, text)
	}
	return err
}

func replace(name string, text []byte) error {
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// shrink calls sim.ShrinkWith with the limits of the flags. An interrupt ends it.
func shrink(t testing.TB, seed uint64, opt sim.Options, kept *keptShrink, f func(w *sim.World) error) *sim.Shrunk {
	stop, interrupts := make(chan struct{}), make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	var once sync.Once
	p := &progress{test: t.Name(), seed: seed, began: time.Now()}
	how := sim.Shrinking{Budget: allowance(t, *budget), Stop: stop}
	how.Progress = func(s sim.Shrunk) {
		select {
		case <-interrupts:
			signal.Stop(interrupts)
			once.Do(func() { close(stop) })
		default:
		}
		p.saw(s)
	}
	if kept != nil {
		how.From = &sim.Shrunk{Faults: kept.Faults, Sizes: kept.Sizes}
	}
	s := sim.ShrinkWith(seed, opt, how, f)
	if s == nil {
		return nil
	}
	p.line(*s)
	if p.keep(*s); p.err != nil {
		t.Errorf("-sim.shrunk: %v", p.err)
	}
	return s
}

// allowance returns the budget, or the time that go test's -timeout leaves if that is less.
func allowance(t testing.TB, budget time.Duration) time.Duration {
	d, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return budget
	}
	if end, ok := d.Deadline(); ok {
		left := max(time.Until(end)*9/10, time.Millisecond)
		if budget == 0 || left < budget {
			return left
		}
	}
	return budget
}

// progress reports the progress of a shrink once in a second. If there is a smaller run, it also
// writes that run to the file.
type progress struct {
	test  string
	seed  uint64
	began time.Time
	last  time.Duration // when the last line was written
	least int           // how many faults and sizes the run in the file has; 0 means there is none
	err   error
}

func (p *progress) saw(s sim.Shrunk) {
	if gone := time.Since(p.began); gone-p.last >= time.Second {
		p.last = gone
		p.line(s)
		p.keep(s)
	}
}

func (p *progress) line(s sim.Shrunk) {
	var b strings.Builder
	fmt.Fprintf(&b, "shrink: seed %d, %.0f s, %d runs: %d of %d faults", p.seed, time.Since(p.began).Seconds(), s.Runs, len(s.Faults), s.Of)
	for _, n := range s.Sizes {
		fmt.Fprintf(&b, ", %v", n)
	}
	fmt.Fprintln(os.Stderr, b.String())
}

// keep writes the file of -sim.shrunk if the run is smaller than the one in the file.
func (p *progress) keep(s sim.Shrunk) {
	size := 1 + len(s.Faults)
	for _, n := range s.Sizes {
		size += n.N
	}
	if *shrunk == "" || p.err != nil || p.least != 0 && size >= p.least {
		return
	}
	p.least = size
	p.err = (&keptShrink{p.test, p.seed, s.Faults, s.Sizes}).save()
}
