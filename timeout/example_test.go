package timeout_test

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// The argument of MicroPython's settimeout: seconds, or None.
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

// A call takes its deadline once, at its start. The clock is an argument.
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
