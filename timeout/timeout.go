package timeout

import (
	"fmt"
	"math"
	"time"
)

// A Timeout is how long one call may wait, in nanoseconds: None, zero (never wait) or more. It is
// the only mode of a socket: setblocking(True) is None and setblocking(False) is zero (MicroPython,
// docs/library/socket.rst).
type Timeout int64

// None waits for ever.
const None Timeout = math.MaxInt64

// Seconds converts the argument of MicroPython's settimeout. Every value above zero stays a timeout
// however small (it is rounded up to a nanosecond); one that is too large for the clock, Inf
// included, is None; a negative one and NaN are errors.
func Seconds(s float64) (Timeout, error) {
	switch {
	case math.IsNaN(s) || s < 0:
		return 0, fmt.Errorf("timeout: %v s is not in the range 0 … +Inf", s)
	case s == 0: // -0.0 too
		return 0, nil
	}
	ns := math.Ceil(s * 1e9)
	if ns >= math.MaxInt64 {
		return None, nil
	}
	return Timeout(ns), nil
}

// Of converts a duration. A negative one is an error.
func Of(d time.Duration) (Timeout, error) {
	if d < 0 {
		return 0, fmt.Errorf("timeout: %v is negative", d)
	}
	return Timeout(d), nil
}

// Blocks tells whether a call with this timeout may wait at all.
func (t Timeout) Blocks() bool { return t > 0 }

// After is the deadline of a call that starts at now.
func (t Timeout) After(now Deadline) Deadline {
	if t == None || now > 0 && Deadline(t) > Never-now {
		return Never
	}
	return now + Deadline(t)
}

func (t Timeout) String() string {
	if t == None {
		return "none"
	}
	return time.Duration(t).String()
}

// A Deadline is an instant of a kernel's monotonic clock, in nanoseconds. Only differences mean
// anything. A kernel tells the present as one. The zero Deadline is Past, in every package. "No
// deadline" is Never.
type Deadline int64

const (
	// Past has passed on every clock: to wait until Past is to look once.
	Past Deadline = 0
	// Never does not come.
	Never Deadline = math.MaxInt64
)

// Passed tells whether the deadline is reached at now.
func (d Deadline) Passed(now Deadline) bool { return d != Never && d <= now }

// Left is the time from now to the deadline: 0 when it has passed, the largest Duration for Never.
func (d Deadline) Left(now Deadline) time.Duration {
	switch {
	case d == Never:
		return math.MaxInt64
	case d <= now:
		return 0
	case now < 0 && d > Never+now:
		return math.MaxInt64 - 1
	}
	return time.Duration(d - now)
}

// Sooner is the earlier of the two.
func (d Deadline) Sooner(e Deadline) Deadline { return min(d, e) }
