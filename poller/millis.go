package poller

import (
	"math"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// millis returns the timeout of a wait in milliseconds, or -1 for no limit. It rounds up, because a
// wait that ends too early would be repeated at once and so spin. If the time does not fit in an
// int32, the result is shorter, and the caller waits again.
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
