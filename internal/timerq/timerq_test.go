package timerq_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// An oracle is a simple Queue: a slice of the armed timers, sorted by deadline and then by age.
type oracle struct {
	armed []armed
	age   uint64
}

type armed struct {
	until timeout.Deadline
	age   uint64
	t     *timerq.Timer
}

func (o *oracle) arm(t *timerq.Timer, until timeout.Deadline) {
	o.stop(t)
	o.age++
	i, _ := slices.BinarySearchFunc(o.armed, until, func(a armed, until timeout.Deadline) int {
		if a.until <= until {
			return -1
		}
		return 1
	})
	o.armed = slices.Insert(o.armed, i, armed{until, o.age, t})
}

func (o *oracle) stop(t *timerq.Timer) bool {
	i := slices.IndexFunc(o.armed, func(a armed) bool { return a.t == t })
	if i < 0 {
		return false
	}
	o.armed = slices.Delete(o.armed, i, i+1)
	return true
}

func (o *oracle) next() timeout.Deadline {
	if len(o.armed) == 0 {
		return timeout.Never
	}
	return o.armed[0].until
}

func (o *oracle) expire(now timeout.Deadline, mark uint64) *timerq.Timer {
	if len(o.armed) == 0 || o.armed[0].until > now || o.armed[0].age >= mark {
		return nil
	}
	t := o.armed[0].t
	o.armed = o.armed[1:]
	return t
}

// The test arms, stops and expires some 40 timers at random. It moves timers to earlier, later and
// equal deadlines. It makes the same calls on the oracle, and compares after each step.
func TestQueueDoesWhatASortedSliceDoes(t *testing.T) {
	longtest.Checks(t, 20, 100, 20_000)
	rapid.Check(t, func(t *rapid.T) {
		var q timerq.Queue
		var o oracle
		timers := make([]timerq.Timer, 40)
		pick := rapid.IntRange(0, len(timers)-1)
		few := rapid.Int64Range(0, 20) // few different deadlines, so that equal ones are common
		mark := q.Mark()
		t.Repeat(map[string]func(*rapid.T){
			"arm": func(t *rapid.T) {
				x, until := &timers[pick.Draw(t, "timer")], timeout.Deadline(few.Draw(t, "until"))
				q.Arm(x, until)
				o.arm(x, until)
			},
			"move": func(t *rapid.T) {
				x := &timers[pick.Draw(t, "timer")]
				if !x.Armed() {
					t.Skip()
				}
				until := x.Until() + timeout.Deadline(rapid.Int64Range(-5, 5).Draw(t, "by"))
				q.Arm(x, until)
				o.arm(x, until)
			},
			"stop": func(t *rapid.T) {
				x := &timers[pick.Draw(t, "timer")]
				if got, want := q.Stop(x), o.stop(x); got != want {
					t.Fatalf("Stop = %v, want %v", got, want)
				}
			},
			"mark": func(t *rapid.T) { mark = q.Mark() },
			"settle": func(t *rapid.T) {
				n := rapid.IntRange(0, 5).Draw(t, "steps")
				if left, ok := q.Settle(n); left > n || left < 0 || ok && left < n-len(timers) {
					t.Fatalf("Settle(%d) = %d, %v", n, left, ok)
				}
			},
			"expire": func(t *rapid.T) {
				now := timeout.Deadline(few.Draw(t, "now"))
				m := mark
				if rapid.Bool().Draw(t, "all") {
					m = q.Mark()
				}
				if got, want := q.Expire(now, m), o.expire(now, m); got != want {
					t.Fatalf("Expire = %p, want %p", got, want)
				}
			},
			"": func(t *rapid.T) {
				if q.Next() != o.next() || q.Len() != len(o.armed) || q.Mark() != o.age+1 {
					t.Fatalf("next %d, length %d, mark %d; want %d, %d, %d", q.Next(), q.Len(), q.Mark(), o.next(), len(o.armed), o.age+1)
				}
				for i := range timers {
					x := &timers[i]
					j := slices.IndexFunc(o.armed, func(a armed) bool { return a.t == x })
					if x.Armed() != (j >= 0) || j >= 0 && x.Until() != o.armed[j].until {
						t.Fatalf("timer %d: armed %v until %d", i, x.Armed(), x.Until())
					}
				}
			},
		})
	})
}

// A timer whose deadline is now, and which is armed while others expire, expires only with the next
// mark.
func TestTimerArmedDuringExpiryWaitsForTheNextMark(t *testing.T) {
	var q timerq.Queue
	var a, b timerq.Timer
	q.Arm(&a, 10)
	q.Arm(&b, 10)
	mark := q.Mark()
	for range 2 {
		x := q.Expire(10, mark)
		if x == nil {
			t.Fatal("a timer armed before the mark did not expire")
		}
		q.Arm(x, 10)
	}
	if x := q.Expire(10, mark); x != nil {
		t.Fatal("a timer armed after the mark expired")
	}
	if q.Expire(10, q.Mark()) != &a || q.Expire(10, q.Mark()) != &b {
		t.Fatal("the next mark does not expire them by age")
	}
}

// All timers have the same deadline. If one of them is armed again, it becomes the youngest,
// although its entry in the heap has not moved.
func TestTiesExpireByAge(t *testing.T) {
	var q timerq.Queue
	timers := make([]timerq.Timer, 100)
	for i := range timers {
		q.Arm(&timers[i], 5)
	}
	q.Arm(&timers[0], 5)
	for i := range timers {
		if x := q.Expire(5, q.Mark()); x != &timers[(i+1)%len(timers)] {
			t.Fatalf("timer %d is out of turn", i)
		}
	}
}

// The test arms up to 100,000 timers in random order, moves half of them, and stops a tenth. All
// others expire in order, each at its deadline.
func TestManyTimersExpireInOrder(t *testing.T) {
	n := longtest.Count(10_000, 100_000, 100_000)
	var q timerq.Queue
	r := rand.New(rand.NewPCG(1, 2))
	timers := make([]timerq.Timer, n)
	for i := range timers {
		q.Arm(&timers[i], timeout.Deadline(r.Int64N(int64(n))))
	}
	for range n / 2 {
		q.Arm(&timers[r.IntN(n)], timeout.Deadline(r.Int64N(int64(n))))
	}
	for i := 0; i < n; i += 10 {
		q.Stop(&timers[i])
	}
	now, count := timeout.Deadline(0), 0
	for q.Len() > 0 {
		if q.Next() < now {
			t.Fatalf("deadline %d comes after %d", q.Next(), now)
		}
		now = q.Next()
		if q.Expire(now-1, q.Mark()) != nil {
			t.Fatal("a timer is early")
		}
		x := q.Expire(now, q.Mark())
		if x == nil || x.Until() != now || x.Armed() {
			t.Fatal("a timer is not there at its deadline")
		}
		count++
	}
	if count != n-n/10 {
		t.Fatalf("%d expired, want %d", count, n-n/10)
	}
}

// The test moves many timers to later. No Settle makes more steps than its limit. All Settles
// together make one step for each timer. After the last Settle no key lags.
func TestSettleIsBounded(t *testing.T) {
	n, share := longtest.Count(10_000, 100_000, 100_000), 1000
	var q timerq.Queue
	timers := make([]timerq.Timer, n)
	for i := range timers {
		q.Arm(&timers[i], 1)
	}
	for i := range timers {
		q.Arm(&timers[i], timeout.Deadline(2+n-i))
	}
	steps, calls := 0, 0
	for ok := false; !ok; calls++ {
		var left int
		left, ok = q.Settle(share)
		if left < 0 || left > share {
			t.Fatalf("%d left of %d", left, share)
		}
		steps += share - left
	}
	if steps > n || calls < n/share {
		t.Errorf("%d steps in %d calls for %d timers", steps, calls, n)
	}
	if left, ok := q.Settle(0); !ok || left != 0 || q.Next() != 3 {
		t.Errorf("%d, %v; next %d", left, ok, q.Next())
	}
}

// A Queue returns the memory of many timers after all of them have expired or were stopped.
func TestQueueShrinks(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	n := longtest.Count(1<<18, 1<<18, 1<<20) // without shrinking, at least 4 MiB would stay
	for name, empty := range map[string]func(q *timerq.Queue, timers []timerq.Timer){
		"Expire": func(q *timerq.Queue, timers []timerq.Timer) {
			for q.Expire(timeout.Deadline(n), q.Mark()) != nil {
			}
		},
		"Stop": func(q *timerq.Queue, timers []timerq.Timer) {
			for i := range timers {
				q.Stop(&timers[i])
			}
		},
	} {
		var q timerq.Queue
		timers := make([]timerq.Timer, n)
		before := heap()
		for i := range timers {
			q.Arm(&timers[i], timeout.Deadline(i%1000))
		}
		empty(&q, timers)
		if q.Len() != 0 {
			t.Fatalf("%s: %d are left", name, q.Len())
		}
		if kept := int64(heap()) - int64(before); kept > 1<<20 {
			t.Errorf("%s: %d KiB are kept", name, kept>>10)
		}
		runtime.KeepAlive(timers)
		runtime.KeepAlive(&q)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A Queue that has reached its size allocates nothing when timers are moved, stopped or armed
// again.
func TestReArmingAllocatesNothing(t *testing.T) {
	var q timerq.Queue
	timers := make([]timerq.Timer, 1000)
	for i := range timers {
		q.Arm(&timers[i], timeout.Deadline(i))
	}
	now := timeout.Deadline(1000)
	i := 0
	if n := testing.AllocsPerRun(10_000, func() {
		x := &timers[i%len(timers)]
		i += 7
		now++
		q.Arm(x, now+100)
		q.Arm(x, now-100)
		q.Stop(x)
		q.Arm(x, now)
		q.Next()
		q.Arm(q.Expire(now, q.Mark()), now+50)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestArmAtNeverPanics(t *testing.T) {
	var q timerq.Queue
	var x timerq.Timer
	defer func() {
		if r := recover(); r != "timerq: a timer that never fires; stop it instead" {
			t.Fatalf("recovered %v", r)
		}
		if q.Len() != 0 || x.Armed() || q.Next() != timeout.Never {
			t.Fatal("the queue has changed")
		}
	}()
	q.Arm(&x, timeout.Never)
}

func TestEmptyQueueHasNothing(t *testing.T) {
	var q timerq.Queue
	var x timerq.Timer
	if q.Next() != timeout.Never || q.Len() != 0 || q.Expire(timeout.Never-1, q.Mark()) != nil || q.Stop(&x) {
		t.Fatal("something is in an empty queue")
	}
}
