//go:build unix

package poller_test

import (
	"fmt"

	"github.com/ureactor/ureactor/poller"
)

// An Interest is what a Poller is asked for, and a Readiness is what it reports.
func ExampleReadiness() {
	var want poller.Interest = poller.In | poller.Out
	var got poller.Readiness = poller.In | poller.Hup
	fmt.Println(want, got)
	fmt.Println(got&poller.Out != 0)
	// Output:
	// in+out in+hup
	// false
}
