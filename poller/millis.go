package poller

import (
	"math"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// millis is the timeout of a wait that counts in milliseconds: -1 for ever. Rounded up: rounding
// down would wake early and spin. What does not fit waits shorter and is repeated.
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
