package timerq_test

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/timerq"
)

// A loop with timers sleeps until Next. Then it calls the functions of the timers that have
// expired.
func ExampleQueue() {
	var q timerq.Queue
	say := func(text string) *timerq.Timer {
		return &timerq.Timer{F: func() { fmt.Println(text) }}
	}
	idle := say("idle")
	q.Arm(idle, 10)
	q.Arm(say("tick"), 20)
	q.Arm(idle, 30) // moves it to later
	for now := q.Next(); q.Len() > 0; now = q.Next() {
		mark := q.Mark() // a timer that is armed from here on does not expire in this round
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
	var q timerq.Queue
	var t timerq.Timer // idle
	q.Arm(&t, 10)
	fmt.Println(t.Armed(), int(t.Until()))
	q.Stop(&t)
	fmt.Println(t.Armed())
	// Output:
	// true 10
	// false
}
