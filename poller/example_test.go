//go:build unix

package poller_test

import (
	"fmt"
	"log"
	"os"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A pipe is ready for reading once something was written.
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
	_ = p.Del(int(r.Fd())) // before it is closed
	// Output: true 1 in
}

// A number is used again after a close. The generation keeps the old Event from the new owner.
func ExampleTable() {
	var t poller.Table[string]
	gen := t.Put(5, "the first connection")
	stale := poller.Event{FD: 5, Gen: gen, Ready: poller.In}

	t.Delete(5, gen)
	t.Put(5, "another connection with the same number")
	_, ok := t.Get(stale.FD, stale.Gen)
	fmt.Println(ok)
	// Output: false
}
