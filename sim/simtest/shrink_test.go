package simtest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
	"github.com/ureactor/ureactor/timeout"
)

// with runs f with other values of flags.
func with(t *testing.T, flags map[string]string, f func()) {
	t.Helper()
	for name, value := range flags {
		was := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		defer flag.Set(name, was)
	}
	f()
}

// crowded fails if host 1 is among the hosts that crash.
func crowded(runs *int) func(w *sim.World) error {
	return func(w *sim.World) error {
		*runs++
		for i := range w.Size("hosts", 8) {
			h := w.Host("10.0.0." + string(rune('1'+i)))
			w.At(time.Duration(i+1)*time.Second, func() {
				h.Crash()
				h.Restart()
			})
		}
		w.Run(time.Minute)
		for _, f := range w.Faults() {
			if f.Host == "10.0.0.2" {
				return errors.New("ouch")
			}
		}
		return nil
	}
}

// After a shrink, the report has the sizes, the faults, and the steps around the faults. The file
// of -sim.shrunk stores the smallest run. A later test repeats this run at once, and a later shrink
// begins with it.
func TestTheSmallestRunIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	runs := 0
	report := func(flags map[string]string) string {
		f := &failing{TB: t}
		runs = 0
		with(t, flags, func() { simtest.Check(f, 1, crowded(&runs)) })
		return f.text
	}
	text := report(map[string]string{"sim.shrink": "true", "sim.shrunk": file})
	first := runs
	for _, want := range []string{"seed=1 step=", ": ouch\n", "it fails with 1 of 8 faults, hosts=2 of 8 (", " runs; none can be left out, but one may matter only by its timing):\n\t10.0.0.2: crash #1, at 2s\n",
		"what programs logged, with notes and faults:\n", "the steps around these faults, after the last one those that are new:\n", " crash 10.0.0.2\n", "the last of its history:\n", " -sim.seed=1 -sim.shrink"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\ndoes not say %q", text, want)
		}
	}
	text = report(map[string]string{"sim.shrunk": file, "sim.seed": "1"})
	if runs != 1 || strings.Count(text, " crash ") != 1 || !strings.Contains(text, " -sim.seed=1 -sim.shrunk="+file) {
		t.Errorf("%d runs: %s", runs, text)
	}
	text = report(map[string]string{"sim.shrink": "true", "sim.shrunk": file, "sim.seed": "1"})
	if runs >= first || !strings.Contains(text, "it fails with 1 of 8 faults, hosts=2 of 8 (") {
		t.Errorf("%d runs after %d: %s", runs, first, text)
	}
	text = report(map[string]string{"sim.shrink": "true", "sim.budget": "1ns", "sim.seed": "1"})
	if !strings.Contains(text, "it fails with 8 of 8 faults, hosts=8 of 8 (2 runs; it ended early, there may be fewer)") {
		t.Errorf("without time: %s", text)
	}
}

// A file that is missing, damaged or written by another test is an error that names the file.
func TestAWrongFileOfAShrinkIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	for text, want := range map[string]string{
		"": "-sim.shrunk: open " + file, "{": "-sim.shrunk: " + file + ": unexpected end", `{"Test":"TestX","Seed":1}`: " is of TestX with seed 1, not of " + t.Name(),
		`{"Test":"` + t.Name() + `","Seed":2}`: "with seed 2, not of", `{"Faults":[{"Kind":99}]}`: "fault of kind 99",
	} {
		if text != "" {
			os.WriteFile(file, []byte(text), 0o600)
		} else {
			os.Remove(file)
		}
		f, runs := &failing{TB: t}, 0
		with(t, map[string]string{"sim.shrunk": file, "sim.seed": "1"}, func() { simtest.Check(f, 1, crowded(&runs)) })
		if !strings.Contains(f.text, want) {
			t.Errorf("%q: %s", text, f.text)
		}
	}
}

// The drawing of a long history consists of several files. The report names the files that contain
// faults.
func TestTheDrawingHasPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.svg")
	f := &failing{TB: t}
	with(t, map[string]string{"sim.svg": file, "sim.lines": "-1"}, func() {
		simtest.Check(f, 1, func(w *sim.World) error {
			for i := range 300 {
				w.At(time.Duration(i)*time.Millisecond, func() { w.Note("note %d", i) })
			}
			w.At(0, w.Host("10.0.0.1").Crash)
			w.Run(time.Second)
			w.Fail(errors.New("ouch"))
			return nil
		})
	})
	for _, want := range []string{"the drawing has 7 pages. With faults and the failure:", file + ", 1 fault\n", "/out-7.svg, the failure\n"} {
		if !strings.Contains(f.text, want) {
			t.Errorf("%.3000s\ndoes not say %q", f.text, want)
		}
	}
	if n, err := filepath.Glob(filepath.Join(filepath.Dir(file), "out*.svg")); len(n) != 7 || err != nil {
		t.Errorf("files: %v, %v", n, err)
	}
}

// A test finds at its end that a connection has failed earlier. The report shows the calls on this
// connection and leaves out the end of the history. It also shows the end if a flag asks for it, or
// if the world itself has failed.
func TestTeardownIsNotShown(t *testing.T) {
	for name, want := range map[string]bool{"": false, "lines": true, "diagram": true, "fail": true} {
		flags := map[string]string{}
		if name == "lines" {
			flags["sim.lines"] = "59"
		}
		if name == "diagram" {
			flags["sim.diagram"] = "true"
		}
		_, text := checked(t, flags, 1, func(w *sim.World) error {
			h := w.Host("10.0.0.1")
			fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
			h.Connect(fd, kernel.Inet(netip.MustParseAddrPort("10.0.0.2:80")))
			at, _ := h.LocalAddr(fd)
			w.Run(time.Second)
			h.Close(fd)
			err := fmt.Errorf("%v: broken", at)
			if name == "fail" {
				w.Fail(err)
			}
			return err
		})
		if !strings.Contains(text, "the calls on what the error names:\n") || strings.Contains(text, "the last of its history:\n") != want {
			t.Errorf("%q: %s", name, text)
		}
	}
}

// A run without faults never ends, because of a livelock or a deadlock. The report shows the steps
// around the last log line that is new.
func TestARunThatNeverEndsHasTheLastNewLogLine(t *testing.T) {
	for _, kind := range []string{"livelock", "deadlock"} {
		_, text := checked(t, map[string]string{"sim.shrink": "true"}, 1, func(w *sim.World) error {
			h := w.Host("10.0.0.1")
			log := slog.New(h.LogHandler())
			w.At(time.Second, func() { log.Warn("gave up") })
			h.Boot("asks", func() {
				p, err := h.NewPoller()
				for err == nil {
					_, err = p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(100*time.Millisecond))
					log.Info("asks again", "id", 7)
					if kind == "livelock" { // a program that only waits does not count as busy
						h.Lookup(context.Background(), "ip", "db")
					}
				}
			})
			return w.RunUntil(func() bool { return false }, time.Minute)
		})
		_, around, ok := strings.Cut(text, "the steps around the last log line that is new:\n")
		around, _, _ = strings.Cut(around, "the last of its history:\n")
		if !ok || !strings.Contains(text, ": "+kind+": ") || !strings.Contains(around, "WARN gave up\n") ||
			!strings.HasSuffix(around, ": nothing new on these hosts\n") {
			t.Errorf("%s: %s", kind, text)
		}
	}
}
