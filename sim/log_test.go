package sim_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A log line of a program is a step of the trace, the diagram and the drawing, at the world's time.
// The line is not a part of the history's hash. Without a trace the handler is not enabled.
func TestLogLinesAreStepsOfTheTrace(t *testing.T) {
	hash := func(opt sim.Options) (uint64, *sim.World) {
		w := sim.New(4, opt)
		h := w.Host("10.0.0.1")
		w.Host("10.0.0.2")
		h.Boot("main", func() {
			l := slog.New(h.LogHandler())
			if on := l.Enabled(context.Background(), slog.LevelDebug); on != (opt.Trace != 0) {
				t.Errorf("with Trace %d the handler is enabled: %v", opt.Trace, on)
			}
			// With a panic handler, a Reactor on the host's kernel logs on other goroutines.
			r, err := reactor.New(reactor.WithKernel(h), reactor.WithSlog(l.With("part", "loop")),
				reactor.WithPanicHandler(func(_ *reactor.Conn, v any, _ []byte) { t.Error(v) }))
			if err != nil {
				t.Error(err)
				return
			}
			r.After(1500*time.Millisecond, func() {
				l.Info("elected", "term", 3, "by", []int{1, 2})
				l.WithGroup("peer").Warn("silent for\n2s", "name", "b c")
				l.Log(context.Background(), slog.LevelDebug-2, "")
				r.Close()
			})
			r.Run(context.Background())
		})
		if err := w.RunUntilDone(time.Minute); err != nil {
			t.Fatal(err)
		}
		w.Fail(errors.New("ouch"))
		return w.Hash(), w
	}
	without, _ := hash(sim.Options{})
	with, w := hash(sim.Options{Trace: -1})
	if with != without {
		t.Errorf("the history is %#x with a trace, %#x without", with, without)
	}
	var trace, diagram, drawing bytes.Buffer
	w.WriteTrace(&trace)
	w.WriteDiagram(&diagram)
	w.WriteSVG(&drawing)
	w.Close()
	for _, want := range []string{" 1.500", `10.0.0.1 INFO elected term=3 by="[1 2]"` + "\n", `10.0.0.1 WARN "silent for\n2s" peer.name="b c"` + "\n", "10.0.0.1 DEBUG-2 \n", " part=loop"} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("%s\ndoes not have %q", trace.String(), want)
		}
	}
	if !strings.Contains(diagram.String(), `s  INFO elected term=3 by="[1 2]"`) {
		t.Errorf("the diagram is\n%s", diagram.String())
	}
	if n := classesOf(t, drawing.String())["text log"]; n != 4 {
		t.Errorf("%d log lines in the drawing", n)
	}
}

// A log line from a goroutine that the program has started panics, as any call from such a
// goroutine does.
func TestALogLineOfAGoroutinePanics(t *testing.T) {
	w := sim.New(1, sim.Options{Trace: 1})
	defer w.Close()
	h := w.Host("10.0.0.1")
	caught := make(chan any, 1)
	w.At(0, func() {
		h.LocalAddr(0) // the first call of a world is always checked
		done := make(chan bool)
		go func() {
			defer func() { caught <- recover(); close(done) }()
			slog.New(h.LogHandler()).Info("x")
		}()
		<-done
	})
	w.RunUntilIdle()
	if v, is := (<-caught).(string); !is || !strings.Contains(v, "a log line on host 10.0.0.1 from a goroutine of its own") {
		t.Errorf("got %v", v)
	}
}

// With Options.Only the trace stores only the selected steps, but it always stores a failure.
func TestOnlySelectsSteps(t *testing.T) {
	for list, want := range map[string]struct{ all, some, none []string }{
		"":                      {some: []string{" recv(", " → ", "! ", "note", "INFO", "10.0.0.1 ", "10.0.1.1 "}},
		"notes":                 {all: []string{"note", "FAIL"}},
		"faults,notes":          {all: []string{"!", "note", "FAIL"}, some: []string{"! packet", "note"}},
		"logs":                  {all: []string{"INFO", "FAIL"}, some: []string{"INFO"}},
		"packets":               {all: []string{" → ", "FAIL"}, none: []string{"! "}},
		"calls":                 {none: []string{" bytes", " SYN", "! ", "note", "INFO"}, some: []string{" recv("}},
		"10.0.1.1":              {all: []string{"10.0.1.1", "FAIL"}, some: []string{"recv(", " → 10.0.1.1", "10.0.1.1 → "}},
		"10.0.1.1/1001":         {all: []string{"(1001", "= 1001", "FAIL"}, none: []string{"10.0.0.1 "}},
		"1001":                  {all: []string{"(1001", "= 1001", "FAIL"}, some: []string{"10.0.0.1 ", "10.0.1.1 "}},
		"10.0.1.1/1001,notes":   {some: []string{"(1001", "note"}, none: []string{"! "}},
		"10.9.9.9":              {all: []string{"FAIL"}},
		"0:0:0:0:0:0:0:1,notes": {all: []string{"note", "FAIL"}},
	} {
		only, err := sim.ParseOnly(list)
		if err != nil {
			t.Errorf("%q: %v", list, err)
			continue
		}
		w, good := echoWorld(t, 5, sim.Options{Trace: 1 << 20, Only: only, Faults: sim.Faults{Loss: 10 * sim.Percent, ShortRead: 10 * sim.Percent}}, 2, 3000)
		w.Note("note of the test")
		slog.New(w.Host("10.0.0.9").LogHandler()).Info("up")
		if err := w.RunUntil(func() bool { return good() == 2 }, time.Minute); err != nil {
			t.Fatal(err)
		}
		w.Fail(errors.New("ouch"))
		var b bytes.Buffer
		w.WriteTrace(&b)
		w.Close()
		text := b.String()
		for _, part := range want.some {
			if !strings.Contains(text, part) {
				t.Errorf("%q: nothing has %q", list, part)
			}
		}
		for line := range strings.Lines(text) {
			ok := want.all == nil
			for _, part := range want.all {
				ok = ok || strings.Contains(line, part)
			}
			for _, part := range want.none {
				ok = ok && !strings.Contains(line, part)
			}
			if !ok {
				t.Errorf("%q has %q", list, line)
			}
		}
		if !strings.Contains(text, "FAIL ouch") {
			t.Errorf("%q: no failure in\n%s", list, text)
		}
	}
}

// A list with an unknown item is an error. The error names the item and says what an item can be.
func TestAWrongOnlyIsAnError(t *testing.T) {
	for _, list := range []string{"note", "notes,", "999", "10.0.0.1/", "10.0.0.1/7", "host/1003", "10.0.0.1/1003/1", " faults", "-1003"} {
		_, err := sim.ParseOnly(list)
		if err == nil || !strings.Contains(err.Error(), "must be calls, packets, faults, notes, logs, the address of a host") {
			t.Errorf("%q: %v", list, err)
		}
	}
}
