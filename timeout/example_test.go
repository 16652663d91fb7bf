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

// A loop with timers: it sleeps until Next, then calls what is due.
func ExampleQueue() {
	var q timeout.Queue
	say := func(text string) *timeout.Timer {
		return &timeout.Timer{F: func() { fmt.Println(text) }}
	}
	idle := say("idle")
	q.Arm(idle, 10)
	q.Arm(say("tick"), 20)
	q.Arm(idle, 30) // moves it to later
	for now := q.Next(); q.Len() > 0; now = q.Next() {
		mark := q.Mark() // timers that are armed from here on wait for the next time
		for t := q.Expire(now, mark); t != nil; t = q.Expire(now, mark) {
			fmt.Print(int(now), " ")
			t.F()
		}
	}
	// Output:
	// 20 tick
	// 30 idle
}

func ExampleTimer() {
	var q timeout.Queue
	var t timeout.Timer // idle
	q.Arm(&t, 10)
	fmt.Println(t.Armed(), int(t.Until()))
	q.Stop(&t)
	fmt.Println(t.Armed())
	// Output:
	// true 10
	// false
}
