package sim_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// Within 1,000 seeds the mixed workload reaches every state that the tests of the library must
// reach. One seed of four runs another workload, which has a crowd of clients and small socket
// buffers. Without -long there are fewer seeds, and only the frequent states must be reached.
func TestStatesAreReached(t *testing.T) {
	if !longtest.Default(t, "several mixed workloads") {
		return
	}
	names := sim.StateNames()
	if len(names) < 60 {
		t.Errorf("%d states", len(names))
	}
	n, some := longtest.Count(5, 8, 1000), map[string]bool{}
	for _, name := range frequentStates {
		some[name] = true
	}
	if n == 1000 {
		some = nil
	}
	options := func(seed uint64) sim.Options {
		if seed%4 == 0 {
			return crowdOptions(seed)
		}
		return stormOptions(seed)
	}
	simtest.CheckWith(t, n, options, func(w *sim.World) error {
		sim.ObserveStates(w, some)
		if w.Seed()%4 == 0 {
			return runCrowd(w)
		}
		return runStorm(w)
	})
}

// frequentStates lists the states that at least half of the seeds reach.
var frequentStates = []string{
	"accept: interrupted",
	"accept: an Event, and no connection",
	"accept: input has come already",
	"accept: the peer's FIN has come already",
	"dial: refused at once",
	"dial: interrupted",
	"dial: reset or refused before the program looks",
	"dial: SYN was lost",
	"dial: given up while the SYN is unanswered",
	"dial: the peer is gone when the program asks for its address",
	"send: one byte at a time",
	"send: EAGAIN although there is room",
	"send: to a connection that was reset",
	"send: EPIPE",
	"send: interrupted",
	"send: goes on after an Event",
	"send: an answer after the peer's FIN",
	"FIN: output is unsent",
	"receive: an Event, and no input",
	"receive: EAGAIN although there is input",
	"receive: less than there is",
	"receive: one byte at a time",
	"receive: data and FIN in one turn",
	"receive: reset",
	"receive: interrupted",
	"close: input is unread",
	"close: output is unsent",
	"close: by a reset, with output unsent",
	"close: both FINs have come",
	"Event: an error",
	"Event: both directions are closed",
	"Event: input and its end",
	"Event: a spurious one",
	"Event: none, but a wake-up or a timer",
	"poller: a wait is interrupted",
	"poller: a registration ends with an error",
}

// Observing states does not change the history of a world.
func TestObservingStatesChangesNoHistory(t *testing.T) {
	if !longtest.Default(t, "two mixed workloads") {
		return
	}
	var hashes [2]uint64
	for i := range hashes {
		w := sim.New(2, stormOptions(2))
		if i == 1 {
			sim.ObserveStates(w, nil)
		}
		if err := runStorm(w); err != nil {
			t.Fatal(err)
		}
		hashes[i] = w.Hash()
		w.Close()
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hash %#x, observed %#x", hashes[0], hashes[1])
	}
}
