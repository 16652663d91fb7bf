package clock

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// Now returns the present time. It is always later than timeout.Past.
func Now() timeout.Deadline { return timeout.Deadline(time.Since(epoch)) + 1 }

// epoch contains a reading of Go's monotonic clock (CLOCK_MONOTONIC on Linux). With such an epoch,
// time.Since reads only that clock.
var epoch = time.Now()
