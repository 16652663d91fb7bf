package timeout

import (
	"fmt"
	"math"
	"time"
)

// A Timeout is how long one call may wait, in nanoseconds: zero (never wait), a positive time, or
// None. A socket has no other mode: setblocking(True) sets None, and setblocking(False) sets zero
// (MicroPython, docs/library/socket.rst).
type Timeout int64

// None means that a call waits without limit.
const None Timeout = math.MaxInt64

// Seconds converts the argument of MicroPython's settimeout. It rounds up to a nanosecond, so a
// value above zero never becomes zero. A value that is too large for the clock becomes None, and so
// does Inf. A negative value and NaN are errors.
func Seconds(s float64) (Timeout, error) {
	switch {
	case math.IsNaN(s) || s < 0:
		return 0, fmt.Errorf("timeout: %v s is not in the range 0 … +Inf", s)
	case s == 0: // also -0.0
		return 0, nil
	}
	ns := math.Ceil(s * 1e9)
	if ns >= math.MaxInt64 {
		return None, nil
	}
	return Timeout(ns), nil
}

// Of converts a duration. A negative duration is an error.
func Of(d time.Duration) (Timeout, error) {
	if d < 0 {
		return 0, fmt.Errorf("timeout: %v is negative", d)
	}
	return Timeout(d), nil
}

// Blocks returns whether a call with this Timeout may wait.
func (t Timeout) Blocks() bool { return t > 0 }

// After returns the Deadline of a call that starts at the time now.
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

// A Deadline is an instant of a kernel's monotonic clock, in nanoseconds. The clock starts
// anywhere, so only differences between Deadlines have a meaning, apart from Past and Never. The
// Now method of a Kernel returns a Deadline too. In every package the zero Deadline is Past.
type Deadline int64

const (
	// Past has passed on every clock. A call with this Deadline makes one try and does not wait.
	Past Deadline = 0
	// Never means that there is no deadline.
	Never Deadline = math.MaxInt64
)

// Passed returns whether the deadline has been reached at the time now.
func (d Deadline) Passed(now Deadline) bool { return d != Never && d <= now }

// Left returns the time from now to the deadline, or 0 if the deadline has passed. It returns the
// largest Duration for Never only.
func (d Deadline) Left(now Deadline) time.Duration {
	switch {
	case d == Never:
		return math.MaxInt64
	case d <= now:
		return 0
	case now < 0 && d >= Never+now:
		return math.MaxInt64 - 1
	}
	return time.Duration(d - now)
}

// Sooner returns the earlier of the two Deadlines.
func (d Deadline) Sooner(e Deadline) Deadline { return min(d, e) }
