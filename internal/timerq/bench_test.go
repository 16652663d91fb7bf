package timerq_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

const benchTimers = 100_000

func full() (*timerq.Queue, []timerq.Timer) {
	q, timers := new(timerq.Queue), make([]timerq.Timer, benchTimers)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range timers {
		q.Arm(&timers[i], timeout.Deadline(r.Int64N(benchTimers)))
	}
	return q, timers
}

// The benchmark moves the deadline of a timer to later, as each message does with the idle deadline
// of its connection.
func BenchmarkReArmLater(b *testing.B) {
	q, timers := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Arm(&timers[i%benchTimers], timeout.Deadline(benchTimers+i))
	}
}

func BenchmarkArmStop(b *testing.B) {
	q, timers := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x := &timers[i%benchTimers]
		q.Stop(x)
		q.Arm(x, timeout.Deadline(i*7919%benchTimers))
	}
}

// The benchmark expires the earliest timer and arms it with the latest deadline. So each step moves
// entries through the whole depth of the heap.
func BenchmarkExpireArm(b *testing.B) {
	q, _ := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Arm(q.Expire(q.Next(), q.Mark()), timeout.Deadline(benchTimers+i))
	}
}
