package clock

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// Now returns the present instant. It is always later than timeout.Past.
func Now() timeout.Deadline { return timeout.Deadline(time.Since(epoch)) + 1 }

// epoch has Go's monotonic reading (CLOCK_MONOTONIC on Linux). time.Since reads only that clock.
var epoch = time.Now()
