package sim_test

import (
	"context"
	"fmt"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A live world follows the clock of the goroutines: the machine's clock here, or the clock of the
// bubble in testing/synctest.
func ExampleLive() {
	w := sim.New(1, sim.Options{})
	h := w.Host("10.0.0.1")
	var live *sim.Live = w.Live()
	r, err := reactor.New(reactor.WithKernel(live.Kernel(h)))
	if err != nil {
		panic(err)
	}
	ended := make(chan error)
	go func() { ended <- r.Run(context.Background()) }()
	r.Close()
	fmt.Println(<-ended, live.Close(), w.IsLive(), live.Bubble())
	// Output: <nil> <nil> true false
}
