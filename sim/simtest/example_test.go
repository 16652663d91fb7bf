package simtest_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// upper is the server under test. It sends everything back in capitals.
type upper struct{}

func (upper) Data(c *reactor.Conn, p []byte) {
	if c.Send(bytes.ToUpper(p)) != nil {
		c.Abort()
	}
}
func (upper) Closed(*reactor.Conn, error) {}

// asker is a client that sends one word and reports the answer.
type asker struct {
	got  []byte
	tell func(got []byte, err error)
}

func (a *asker) Opened(c *reactor.Conn)         { c.Send([]byte("hello")); c.CloseWrite() }
func (a *asker) Data(c *reactor.Conn, p []byte) { a.got = append(a.got, p...) }
func (a *asker) Closed(_ *reactor.Conn, err error) {
	a.tell(a.got, err)
}

// program runs a reactor on a host. It does what main would do.
func program(h *sim.Host, begin func(r *reactor.Reactor) error) {
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		if err := begin(r); err != nil {
			panic(err)
		}
		r.Run(context.Background())
	})
}

// shout runs one world: a server, a client, and a network that makes all reads and writes short. It
// returns an error unless the answer is right.
func shout(w *sim.World) error {
	server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	program(server, func(r *reactor.Reactor) error {
		_, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return upper{} })
		return err
	})
	var answer []byte
	var failed error
	program(client, func(r *reactor.Reactor) error {
		r.After(10*time.Millisecond, func() { // then the server is listening
			_, failed = r.Dial("tcp", "10.0.0.1:80", &asker{tell: func(got []byte, err error) {
				answer, failed = got, err
				r.Close()
			}})
		})
		return nil
	})
	w.SetFaults(sim.Faults{ShortRead: 30 * sim.Percent, ShortWrite: 30 * sim.Percent, Spurious: 30 * sim.Percent})
	if err := w.RunUntil(func() bool { return answer != nil || failed != nil }, time.Minute); err != nil {
		return err
	}
	if failed != nil || string(answer) != "HELLO" {
		return fmt.Errorf("the answer is %q, %v", answer, failed)
	}
	return nil
}

// Check runs a server under 200 seeds.
func ExampleCheck() {
	test := func(t *testing.T) {
		simtest.Check(t, 200, shout)
	}
	_ = test
	// If a seed fails, go test prints:
	//
	//	seed=27 step=112: the answer is "HEL", <nil>
	//	…
	//	replay: go test -run '^TestShout$' example.org/shout -sim.seed=27
}

func TestShout(t *testing.T) { simtest.Check(t, 200, shout) }

// The report of a failure has the seed, the step and the command that replays the run. The replay
// fails at the same step.
func TestAFailureIsReplayed(t *testing.T) {
	broken := func(w *sim.World) error {
		if err := shout(w); err != nil {
			return err
		}
		if w.Rand().Int(20) == 0 {
			return errors.New("ouch")
		}
		return nil
	}
	var texts [2]string
	for i := range texts {
		f := &failing{TB: t}
		simtest.Check(f, 1000, broken)
		texts[i] = f.text
	}
	for _, want := range []string{"seed=", "step=", "ouch", "10.0.0.2 connect(1001) EINPROGRESS", "-run '^TestAFailureIsReplayed$' github.com/ureactor/ureactor/sim/simtest -sim.seed="} {
		if !bytes.Contains([]byte(texts[0]), []byte(want)) {
			t.Errorf("%s\ndoes not say %q", texts[0], want)
		}
	}
	if texts[0] != texts[1] {
		t.Errorf("two runs, two texts:\n%s\n%s", texts[0], texts[1])
	}
}

// Check reports a program that depends on something outside of the world.
func TestANondeterministicProgramIsToldSo(t *testing.T) {
	f := &failing{TB: t}
	runs := 0
	simtest.Check(f, 10, func(w *sim.World) error {
		runs++
		w.Note("run %d", runs)
		return nil
	})
	if !bytes.Contains([]byte(f.text), []byte("two histories")) {
		t.Errorf("told %q", f.text)
	}
}

// failing replaces the testing.TB of a test that is expected to fail.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper()                           {}
func (f *failing) Logf(string, ...any)               {}
func (f *failing) Failed() bool                      { return f.text != "" }
func (f *failing) Error(args ...any)                 { f.text += fmt.Sprint(args...) }
func (f *failing) Errorf(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

// With -sim.shrink and -sim.svg a report has the smallest set of faults, the command that repeats
// the search, and a drawing.
func TestAFailureIsShrunkAndDrawn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.svg")
	for name, value := range map[string]string{"sim.shrink": "true", "sim.svg": file} {
		was := flag.Lookup(name).Value.String()
		flag.Set(name, value)
		defer flag.Set(name, was)
	}
	f := &failing{TB: t}
	simtest.Check(f, 100, func(w *sim.World) error {
		if err := shout(w); err != nil {
			return err
		}
		for _, f := range w.Faults() {
			if f.Short == 1 {
				return errors.New("ouch")
			}
		}
		return nil
	})
	for _, want := range []string{"ouch", "it fails with 1 of ", "none can be left out", ": short, 1 byte\n", " -sim.shrink"} {
		if !strings.Contains(f.text, want) {
			t.Errorf("%s\ndoes not say %q", f.text, want)
		}
	}
	picture, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(picture), "short, 1 byte") {
		t.Errorf("the drawing: %v, %d bytes", err, len(picture))
	}
}

// -sim.only selects the steps that a report shows. A list with an unknown item fails the test
// before it runs.
func TestOnlySelectsWhatAReportShows(t *testing.T) {
	defer flag.Set("sim.only", "")
	report := func(only string) string {
		flag.Set("sim.only", only)
		f := &failing{TB: t}
		simtest.Check(f, 1, func(w *sim.World) error {
			w.Note("begins")
			return errors.Join(shout(w), errors.New("ouch"))
		})
		return f.text
	}
	if text := report("10.0.0.2,notes"); !strings.Contains(text, " 10.0.0.2 connect(") || !strings.Contains(text, " begins\n") || strings.Contains(text, " 10.0.0.1 accept(") {
		t.Errorf("got %s", text)
	}
	if text := report("10.0.0.2,rumours"); text != `-sim.only: sim: ParseOnly("10.0.0.2,rumours"): "rumours": must be calls, packets, faults, notes, logs, `+
		`the address of a host, a descriptor (1000 or more) or host/descriptor` {
		t.Errorf("got %s", text)
	}
}
