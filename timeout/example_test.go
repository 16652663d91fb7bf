package timeout_test

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// Seconds converts the argument of MicroPython's settimeout, which is a number of seconds or None.
func ExampleTimeout() {
	half, err := timeout.Seconds(0.5)
	fmt.Println(half, half.Blocks(), err)
	fmt.Println(timeout.Timeout(0).Blocks(), timeout.None.Blocks())
	_, err = timeout.Seconds(-1)
	fmt.Println(err != nil)
	// Output:
	// 500ms true <nil>
	// false true
	// true
}

// A call computes its deadline once, at its start, from the time of the clock.
func ExampleDeadline() {
	now := timeout.Deadline(0)
	until := timeout.Timeout(2 * time.Second).After(now)
	now += timeout.Deadline(500 * time.Millisecond)
	fmt.Println(until.Left(now), until.Passed(now))
	fmt.Println(until.Sooner(timeout.Never) == until)
	// Output:
	// 1.5s false
	// true
}
