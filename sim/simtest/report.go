package simtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/sim"
)

// historyMost is how many steps of a shrunk run are stored, for the steps around its faults.
const historyMost = 1 << 20

// linesDefault is how many of the last steps a report shows.
const linesDefault = 60

// logMost is how many log lines, notes and faults a report shows.
const logMost = 120

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

// fail runs a seed again with a trace, and reports the error.
func fail(t testing.TB, seed uint64, options func(uint64) sim.Options, f func(w *sim.World) error, only sim.Only) {
	t.Helper()
	opt := options(seed)
	opt.Trace, opt.Only = *lines, only
	var found strings.Builder
	again, more := "", "\nwith fewer faults: add -sim.shrink"
	kept, e := keptRun(t, seed)
	if e != nil {
		t.Error(e)
		return
	}
	if kept != nil {
		again, more = " -sim.shrunk="+*shrunk, ""
		opt.Faulty, opt.Sizes = kept.Faults, kept.sizes()
	}
	w, err := run(seed, opt, f)
	if *shrinks {
		again, more = again+" -sim.shrink", ""
		opt.Trace, opt.Faulty, opt.Sizes = historyMost, nil, nil
		if s := shrink(t, seed, opt, kept, f); s != nil {
			w, err = s.World, s.Err
			e = needed(&found, s)
		}
	}
	if err == nil {
		return
	}
	if w.Injected() == 0 {
		more = ""
	}
	text, calls := err.Error(), false
	if e == nil {
		calls, e = named(&found, w, firstLine(err))
	}
	if !strings.HasPrefix(text, "seed=") {
		text = fmt.Sprintf("seed=%d step=%d: %s", seed, w.Step(), text)
	}
	if e == nil {
		e = draw(&found, w, calls && w.Err() == nil)
	}
	if e != nil {
		t.Error(e)
	}
	t.Errorf("%s\n%s\nreplay: go test -run '^%s$' %s -sim.seed=%d%s%s", text, found.String(), t.Name(), tested(), seed, again, more)
}

// tested returns the import path of the package under test. In a go test command it comes before
// the test's own flags.
func tested() string {
	if b, ok := debug.ReadBuildInfo(); ok && strings.HasSuffix(b.Path, ".test") {
		return strings.TrimSuffix(b.Path, ".test")
	}
	return "."
}

// needed describes the result of Shrink.
func needed(b *strings.Builder, s *sim.Shrunk) error {
	sure := "none can be left out, but one may matter only by its timing"
	if !s.Least {
		sure = "it ended early, there may be fewer"
	}
	sizes := ""
	for _, n := range s.Sizes {
		sizes += fmt.Sprintf(", %v", n)
	}
	if len(s.Faults) == 0 {
		fmt.Fprintf(b, "it fails without any of its %d faults%s (%d runs)\n", s.Of, sizes, s.Runs)
	} else {
		fmt.Fprintf(b, "it fails with %d of %d faults%s (%d runs; %s):\n", len(s.Faults), s.Of, sizes, s.Runs, sure)
	}
	for _, f := range s.Faults {
		fmt.Fprintf(b, "\t%v, at %v\n", f, f.At)
	}
	if *lines == 0 {
		return nil
	}
	var logged strings.Builder
	err := s.World.WriteLog(&logged, logMost)
	if logged.Len() > 0 {
		fmt.Fprintf(b, "what programs logged, with notes and faults:\n%s", logged.String())
	}
	heading := "the steps around these faults, after the last one those that are new:"
	if len(s.Faults) == 0 {
		var dead *sim.Deadlock
		var live *sim.Livelock
		if !errors.As(s.Err, &dead) && !errors.As(s.Err, &live) {
			return err
		}
		heading = "the steps around the last log line that is new:"
	}
	var around strings.Builder
	err = errors.Join(err, s.World.WriteAround(&around))
	if around.Len() > 0 {
		fmt.Fprintf(b, "%s\n%s", heading, around.String())
	}
	return err
}

// namedMost is how many calls a report shows of the connections that its error names.
const namedMost = 80

// named adds the calls on the connections that the error names. It returns whether there are any.
func named(b *strings.Builder, w *sim.World, text string) (bool, error) {
	var calls strings.Builder
	err := w.WriteNamed(&calls, text, namedMost)
	if *lines != 0 && calls.Len() > 0 {
		fmt.Fprintf(b, "the calls on what the error names:\n%s", calls.String())
	}
	return calls.Len() > 0, err
}

// draw adds the end of the history, in the form that the flags request. If the error is about an
// earlier moment, the end is only teardown. Then draw adds it only if a flag requests it.
func draw(b *strings.Builder, w *sim.World, earlier bool) (err error) {
	var drawn strings.Builder
	if *svg != "" {
		err = pages(&drawn, w)
	}
	write := w.WriteTrace
	if *diagrams {
		write = w.WriteDiagram
	}
	if *lines != 0 && !(earlier && *lines == linesDefault && !*diagrams) {
		w.KeepLast(*lines)
		fmt.Fprintln(b, "the last of its history:")
		err = errors.Join(err, write(b))
	}
	b.WriteString(drawn.String())
	return err
}

// pages writes the drawing, page by page.
func pages(b *strings.Builder, w *sim.World) error {
	all := w.SVGPages()
	base, ext := strings.TrimSuffix(*svg, filepath.Ext(*svg)), filepath.Ext(*svg)
	fmt.Fprintf(b, "the drawing has %d pages. With faults and the failure:\n", len(all))
	for i, p := range all {
		name := *svg
		if i > 0 {
			name = fmt.Sprintf("%s-%d%s", base, i+1, ext)
		}
		if err := os.WriteFile(name, p.SVG, 0o644); err != nil {
			return err
		}
		what := ""
		switch {
		case p.Faults == 1:
			what += ", 1 fault"
		case p.Faults > 1:
			what += fmt.Sprintf(", %d faults", p.Faults)
		}
		if p.Fails {
			what += ", the failure"
		}
		if what != "" {
			fmt.Fprintf(b, "\t%s%s\n", name, what)
		}
	}
	return nil
}
