//go:build unix

package poller_test

import (
	"fmt"

	"github.com/ureactor/ureactor/poller"
)

// A program passes an Interest to a Poller, and the Poller reports a Readiness.
func ExampleReadiness() {
	var want poller.Interest = poller.In | poller.Out
	var got poller.Readiness = poller.In | poller.Hup
	fmt.Println(want, got)
	fmt.Println(got&poller.Out != 0)
	// Output:
	// in+out in+hup
	// false
}
