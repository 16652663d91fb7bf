package sim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A client dials repeatedly an address where nobody listens. The error lists the calls that the
// client repeats.
func ExampleLivelock() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	w.Host("10.0.0.1")
	h := w.Host("10.0.0.2")
	h.Boot("client", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		again{r, time.Hour, w}.Closed(nil, nil)
		_ = r.Run(context.Background())
	})
	err := w.RunUntilDone(time.Minute)
	var l *sim.Livelock
	fmt.Println(errors.As(err, &l), l.Limit, l.Waiting)
	// Output: true 1m0s [10.0.0.2/client: no descriptor]
}

// A program logs with the time of the world. Its trace keeps only the log lines and notes.
func ExampleOnly() {
	var only sim.Only
	only, err := sim.ParseOnly("logs,notes")
	if err != nil {
		panic(err)
	}
	w := sim.New(1, sim.Options{Trace: -1, Only: only})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("main", func() {
		log := slog.New(h.LogHandler())
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		r.After(100*time.Millisecond, func() { log.Info("begins", "term", 3) })
		_ = r.Run(context.Background())
	})
	_ = w.Run(time.Second)
	w.Note("the test ends here")
	_ = w.WriteTrace(os.Stdout)
	// Output:
	//        7   0.100450997s 10.0.0.1 INFO begins term=3
	//        8   1.000000000s the test ends here
}

// World.Size lets the search reduce the number of clients, and Shrinking limits the time of the
// search. The smallest run that fails has one client.
func ExampleShrinking() {
	test := func(w *sim.World) error {
		for i := range w.Size("clients", 5) {
			w.Host(fmt.Sprintf("10.0.0.%d", i+1)).Crash()
		}
		if len(w.Faults()) > 0 {
			return errors.New("a client is down")
		}
		return nil
	}
	how := sim.Shrinking{Budget: time.Minute, Progress: func(s sim.Shrunk) {
		_ = s.Runs // print s.Runs to stderr
	}}
	s := sim.ShrinkWith(1, sim.Options{}, how, test)
	var clients sim.Size = s.Sizes[0]
	fmt.Println(len(s.Faults), s.Of, clients)
	// Output: 1 5 clients=1 of 5
}

// A long history is drawn in pages. The failure is on the last one.
func ExampleSVGPage() {
	w := sim.New(1, sim.Options{Trace: -1})
	for i := range 200 {
		w.At(time.Duration(i)*time.Millisecond, func() { w.Note("note %d", i) })
	}
	_ = w.Run(time.Second)
	w.Fail(errors.New("ouch"))
	w.Close()
	var pages []sim.SVGPage = w.SVGPages()
	fmt.Println(len(pages), pages[0].Fails, pages[len(pages)-1].Fails)
	// Output: 5 false true
}
