package fdtable_test

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/fdtable"
	"github.com/ureactor/ureactor/poller"
)

// After a close, the kernel gives the number to another connection. An Event with the generation of
// the first connection does not find the second one.
func ExampleTable() {
	var t fdtable.Table[string]
	gen := t.Put(5, "the first connection")
	stale := poller.Event{FD: 5, Gen: gen, Ready: poller.In}

	t.Delete(5, gen)
	t.Put(5, "another connection with the same number")
	_, ok := t.Get(stale.FD, stale.Gen)
	fmt.Println(ok)
	// Output: false
}
