//go:build unix

package poller_test

import (
	"fmt"
	"log"
	"os"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A pipe becomes ready for reading when something is written.
func ExamplePoller() {
	p, err := poller.New()
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := p.Add(int(r.Fd()), 1, poller.In); err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(w, "x")

	events := make([]poller.Event, 8)
	n, err := p.Wait(events, timeout.Never)
	for _, e := range events[:n] {
		fmt.Println(e.FD == int32(r.Fd()), e.Gen, e.Ready)
	}
	if err != nil {
		log.Fatal(err)
	}
	_ = p.Del(int(r.Fd())) // before the descriptor is closed
	// Output: true 1 in
}
