//go:build unix

package looplabels_test

import (
	"bytes"
	"context"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/looplabels"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

func loop(t *testing.T, opts ...reactor.Option) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		for r.Turn(r.Now()+timeout.Deadline(1e6)) == nil {
		}
	})
	return r
}

func turn(t *testing.T, r *reactor.Reactor) {
	t.Helper()
	if err := r.Turn(timeout.Past); err != nil {
		t.Fatal(err)
	}
}

// labels returns the labels of the goroutines in the text of a goroutine profile.
func labels(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Profile labels the goroutine during a callback or a Task with the function's name. Outside of
// both, no label remains.
func TestProfileLabelsCallbacks(t *testing.T) {
	r := loop(t, looplabels.Profile())
	var inPost, inTask string
	if err := r.Post(func() { inPost = labels(t) }); err != nil {
		t.Fatal(err)
	}
	turn(t, r)
	if strings.Contains(labels(t), `"callback"`) {
		t.Errorf("a label is left after the callback:\n%s", labels(t))
	}
	r.Go(func(k *reactor.Task) {
		_ = k.Sleep(0)
		inTask = labels(t)
	})
	turn(t, r)
	turn(t, r)
	for where, text := range map[string]string{"func1": inPost, "func2": inTask} {
		if want := `"callback":"github.com/ureactor/ureactor/looplabels_test.TestProfileLabelsCallbacks.` + where + `"`; !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// During an execution trace, Regions writes a region with the name of each callback. Without a
// trace Regions does nothing.
func TestRegionsAreInTheTrace(t *testing.T) {
	r := loop(t, looplabels.Regions())
	if err := r.Post(func() {}); err != nil {
		t.Fatal(err)
	}
	turn(t, r)
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	if err := r.Post(func() {}); err != nil {
		t.Fatal(err)
	}
	turn(t, r)
	trace.Stop()
	if want := "looplabels_test.TestRegionsAreInTheTrace.func2"; !bytes.Contains(b.Bytes(), []byte(want)) {
		t.Errorf("the trace does not have %s", want)
	}
}

// All loops of a Group can use the same option at the same time. The race detector checks this.
func TestOptionServesAGroup(t *testing.T) {
	g, err := reactor.NewGroup(4, looplabels.Profile())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Run(context.Background()) }()
	for range 100 {
		if err := g.Post(func(*reactor.Reactor) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func ExampleProfile() {
	r, err := reactor.New(looplabels.Profile(), reactor.WithPostLimit(1000))
	if err != nil {
		panic(err)
	}
	_ = r // r's samples in a CPU profile have the label "callback"
	// Output:
}
