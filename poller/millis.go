package poller

import (
	"math"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// millis returns the timeout of a wait in milliseconds; -1 means no limit. It rounds up, because a
// wait that ends early would spin. If the time does not fit, the result is shorter, and the caller
// waits again.
func millis(until timeout.Deadline, left time.Duration) int {
	if until == timeout.Never {
		return -1
	}
	ms := left / time.Millisecond
	if left%time.Millisecond != 0 {
		ms++
	}
	return int(min(ms, math.MaxInt32))
}
