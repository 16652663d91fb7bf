package simtest_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// logging is a testing.TB that stores what the test logs.
type logging struct {
	failing
	logs string
}

func (l *logging) Logf(format string, args ...any) { l.logs += fmt.Sprintf(format, args...) + "\n" }

// checked runs a test with flags. It returns the log of the test and its failure.
func checked(t *testing.T, flags map[string]string, n int, f func(w *sim.World) error) (logs, failure string) {
	l := &logging{failing: failing{TB: t}}
	with(t, flags, func() { simtest.Check(l, n, f) })
	return l.logs, l.text
}

// Seeds that run on several goroutines give the same sums and the same failure as seeds that run
// one after the other. The failure is that of the lowest failing seed.
func TestJobsChangeNothing(t *testing.T) {
	if !longtest.Default(t, "hundreds of seeds") {
		return
	}
	sometimes := func(w *sim.World) error {
		w.Sometimes("short", len(w.Faults()) > 0)
		err := shout(w)
		w.Sometimes("short", len(w.Faults()) > 0)
		return err
	}
	broken := func(w *sim.World) error {
		if err := shout(w); err != nil || w.Seed()%40 != 37 {
			return err
		}
		return errors.New("ouch")
	}
	for _, f := range []func(w *sim.World) error{sometimes, broken} {
		logs, failure := checked(t, nil, 200, f)
		for _, jobs := range []string{"0", "2", "7"} {
			if l, e := checked(t, map[string]string{"sim.jobs": jobs}, 200, f); l != logs || e != failure {
				t.Errorf("%s jobs: %s%s\nin turn: %s%s", jobs, l, e, logs, failure)
			}
		}
	}
	if _, failure := checked(t, map[string]string{"sim.jobs": "-1"}, 1, shout); failure != "-sim.jobs=-1: must be 0 (one for each core) or more" {
		t.Errorf("got %s", failure)
	}
}

// A panic of the test's function panics again in the test's goroutine, with the seed. FailNow in
// that function also panics, because it cannot end the test from another goroutine.
func TestPanicsOfJobsAreTheTests(t *testing.T) {
	for want, f := range map[string]func(w *sim.World) error{
		"seed=5: ouch": func(w *sim.World) error { panic("ouch") },
		"seed=5: the test's function has ended its gor": func(w *sim.World) error { runtime.Goexit(); return nil },
	} {
		var v any
		func() {
			defer func() { v = recover() }()
			checked(t, map[string]string{"sim.jobs": "3"}, 50, func(w *sim.World) error {
				if w.Seed()%10 == 5 {
					return f(w)
				}
				return nil
			})
		}()
		if text := fmt.Sprint(v); !strings.HasPrefix(text, want) || !strings.Contains(text, "campaign_test.go") {
			t.Errorf("%.200s", text)
		}
	}
}

// A campaign that was interrupted or has failed can continue where it stopped. In the end its sums
// equal those of a campaign without an interruption.
func TestACampaignGoesOn(t *testing.T) {
	if !longtest.Default(t, "hundreds of seeds") {
		return
	}
	var once sync.Once
	var runs atomic.Int32
	var stop, breaks atomic.Bool
	f := func(w *sim.World) error {
		runs.Add(1)
		if err := shout(w); err != nil {
			return err
		}
		w.Sometimes("rare", w.Seed() == 3)
		if w.Seed() == 60 && stop.Load() {
			once.Do(func() { interruptMyself(t) })
		}
		if w.Seed() == 120 && breaks.Load() {
			return errors.New("ouch")
		}
		return nil
	}
	for _, jobs := range []string{"1", "3"} {
		file := filepath.Join(t.TempDir(), "state.json")
		flags := map[string]string{"sim.state": file, "sim.jobs": jobs}
		once = sync.Once{}
		want, _ := checked(t, nil, 200, f)
		stop.Store(true)
		_, failure := checked(t, flags, 200, f)
		stop.Store(false)
		// With several jobs the campaign may stop before the seed that interrupts it.
		_, rest, _ := strings.Cut(failure, "interrupted before seed ")
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, " of 200")); err != nil || n > 61 || jobs == "1" && n != 61 {
			t.Fatalf("%s jobs: got %q", jobs, failure)
		}
		breaks.Store(true)
		_, failure = checked(t, flags, 200, f)
		breaks.Store(false)
		if !strings.Contains(failure, "seed=120") || !strings.Contains(failure, "ouch") {
			t.Errorf("%s jobs: got %q", jobs, failure)
		}
		runs.Store(0)
		logs, failure := checked(t, flags, 200, f)
		if logs != "continues with seed 120\n"+want || failure != "" || runs.Load() > 90 {
			t.Errorf("%s jobs, %d runs: %s%s\nwant %s", jobs, runs.Load(), logs, failure, want)
		}
		runs.Store(0)
		if logs, _ := checked(t, flags, 200, f); logs != "continues with seed 201\n"+want || runs.Load() != 1 {
			t.Errorf("%s jobs: a campaign that has passed runs %d times: %s", jobs, runs.Load(), logs)
		}
	}
}

// interruptMyself sends an interrupt to this process. It returns after every receiver has got it.
func interruptMyself(t *testing.T) {
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Error(err)
		return
	}
	got := make(chan os.Signal, 1)
	signal.Notify(got, os.Interrupt)
	p.Signal(os.Interrupt)
	<-got
	signal.Stop(got) // waits until package signal has notified the others too
}

// A state file with another first seed, of another program, or with wrong contents is an error.
func TestAWrongStateIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	flags := func(first string) map[string]string {
		return map[string]string{"sim.state": file, "sim.first": first}
	}
	checked(t, flags("1"), 5, shout)
	if _, failure := checked(t, flags("2"), 5, shout); !strings.Contains(failure, "from seed 1 on, not from 2") {
		t.Errorf("another first seed: %q", failure)
	}
	other := func(w *sim.World) error { w.Note("new"); return shout(w) }
	if _, failure := checked(t, flags("1"), 5, other); !strings.Contains(failure, "is of another version of the program: seed 1 has another history") {
		t.Errorf("another program: %q", failure)
	}
	os.WriteFile(file, []byte(`{"`+t.Name()+`": {"First": 1, "Next": 0}}`), 0o600)
	if _, failure := checked(t, flags("1"), 5, shout); !strings.Contains(failure, "remove it, or name another file") {
		t.Errorf("without sums: %q", failure)
	}
	os.WriteFile(file, []byte(`{`), 0o600)
	if _, failure := checked(t, flags("1"), 5, shout); !strings.Contains(failure, "-sim.state: "+file) {
		t.Errorf("no JSON: %q", failure)
	}
	with := filepath.Join(t.TempDir(), "no", "state.json")
	if _, failure := checked(t, map[string]string{"sim.state": with}, 5, shout); !strings.Contains(failure, "-sim.state: open ") {
		t.Errorf("no folder: %q", failure)
	}
}
