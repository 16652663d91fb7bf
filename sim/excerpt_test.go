package sim_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

// ticking returns the lines that write makes of a world. The world's host logs a tick every 10 ms
// for 10 s, and twenty other lines at 1.1 s. From 2 s on it logs a line every 400 ms, and at 5.005
// s "gave up". It makes one call twenty times before 0.2 s, and again at 5 s.
func ticking(t *testing.T, fault bool, write func(w *sim.World, to io.Writer) error) string {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	h := w.Host("10.0.0.1")
	log := slog.New(h.LogHandler())
	for i := range 1000 {
		w.At(time.Duration(i)*10*time.Millisecond, func() { log.Info("tick", "n", i) })
	}
	for i := range 20 {
		w.At(2*time.Second+time.Duration(i)*400*time.Millisecond, func() { log.Info("asks again", "id", 7) })
	}
	for i := range 20 {
		w.At(time.Duration(i)*10*time.Millisecond, func() { h.Lookup(context.Background(), "ip", "usual") })
		w.At(1100*time.Millisecond, func() { log.Info("step " + string(rune('a'+i))) })
	}
	w.At(5*time.Second, func() { h.Lookup(context.Background(), "ip", "usual") })
	w.At(5005*time.Millisecond, func() { log.Warn("gave up") })
	if fault {
		w.At(time.Second, func() { h.Pause(time.Millisecond) })
	}
	w.Run(20 * time.Second)
	var b bytes.Buffer
	if err := write(w, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// After the last fault, WriteAround shows every new line, however late it comes. If a line repeats,
// WriteAround shows it twice. Each gap counts the lines that it leaves out, and the last gap adds
// that nothing in it is new.
func TestStepsAfterTheLastFaultAreTheNewOnes(t *testing.T) {
	around := func(w *sim.World, to io.Writer) error { return w.WriteAround(to) }
	text := ticking(t, true, around)
	for want, n := range map[string]int{"INFO tick n=": 5 + 2, "pause 10.0.0.1": 1, "INFO asks again id=7\n": 2, "WARN gave up\n": 1, "INFO step ": 20, "lookup(": 0, " … 8 lines (tick)\n": 1,
		" … 511 lines (499 tick, 12 asks again): nothing new on these hosts\n": 1} {
		if strings.Count(text, want) != n {
			t.Errorf("%s\nhas %q not %d times", text, want, n)
		}
	}
	text = ticking(t, false, around)
	if !strings.Contains(text, "WARN gave up\n") || strings.Count(text, "\n") > 90 {
		t.Errorf("without a fault:\n%s", text)
	}
}

// WriteLog folds log lines that repeat at a fixed interval into one line. So more other lines fit.
func TestRepeatedLogLinesAreFolded(t *testing.T) {
	text := ticking(t, true, func(w *sim.World, to io.Writer) error { return w.WriteLog(to, 20) })
	if strings.Count(text, "asks again id=7") > 2 || strings.Count(text, " … the same line (asks again) every 400ms until 9.600000000s\n") != 1 {
		t.Errorf("not folded:\n%s", text)
	}
	if n := strings.Count(text, " INFO ") + strings.Count(text, " pause ") + strings.Count(text, " WARN "); n != 20 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// WriteLog does not fold lines that repeat at changing intervals, and never folds notes.
func TestLinesWithoutAnIntervalAreNotFolded(t *testing.T) {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	log, at := slog.New(w.Host("10.0.0.1").LogHandler()), time.Duration(0)
	for i := range 20 {
		at += time.Duration(1+i%2) * time.Second
		w.At(at, func() { log.Info("again") })
		w.At(time.Second, func() { log.Info("at once") })
		w.At(time.Duration(i)*time.Second, func() { w.Note("crash") })
		w.At(at, func() { log.Info("number", "n", i) })
	}
	w.Run(time.Minute)
	var b bytes.Buffer
	w.WriteLog(&b, 100)
	if n := strings.Count(b.String(), "\n"); n != 80 || strings.Contains(b.String(), "…") {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
}
