package netconn

import (
	"context"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A dated is a context whose deadline is a time of a simulated kernel. No timer of this machine can
// end such a context. So Err compares the deadline with the time of the simulated kernel.
type dated struct {
	context.Context
	k   kernel.Kernel
	end time.Time
}

func (d *dated) Deadline() (time.Time, bool) { return d.end, true }

func (d *dated) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if kernel.Until(d.k, d.end) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}
