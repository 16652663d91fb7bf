//go:build unix

package reactor

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// One turn delivers an Event to each of four Tasks. Each Task switches to the next one, and the
// last one to the loop: each goroutine is in the seat of the one after it. If each step is
// observed, all of them switch to the loop, and each is in its own seat.
func TestATaskSwitchesToTheNextOne(t *testing.T) {
	enter := WithTrace(Trace{Enter: func(string) {}, Leave: func() {}})
	for shift, opts := range map[int][]Option{
		1: {WithPanicHandler(func(*Conn, any, []byte) {})},
		0: {enter},
	} {
		r := manual(t, opts...)
		var order []int
		descs, peers := sleepers(t, r, 4, func(i int) { order = append(order, i) })
		var tasks []*Task
		var homes []*coroutine
		for i, d := range descs {
			task := (*Task)(d.Waiting().(*taskSleeper))
			task.wakeErrno = kernel.ECANCELED // of an earlier wait; the Task would end
			tasks, homes = append(tasks, task), append(homes, task.home)
			if _, err := unix.Write(peers[i], []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		for len(order) < len(tasks) {
			r.Turn(0)
		}
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Error("order of the Tasks: ", order)
		}
		for i, task := range tasks {
			if seat := slices.Index(homes, task.seat); seat != (i+shift)%len(tasks) {
				t.Errorf("Task %d is in seat %d, want a shift of %d", i, seat, shift)
			}
		}
	}
}

type flushed func()

func (f flushed) flushStep() { f() }

// Each Task leaves a flush for the end of its step. The flush comes before the next Task.
func TestAStepEndsBeforeTheNextTask(t *testing.T) {
	r := manual(t)
	var order []string
	_, peers := sleepers(t, r, 3, func(i int) {
		order = append(order, "Task")
		r.flushPending.add(flushed(func() { order = append(order, "flush") }))
	})
	for _, p := range peers {
		unix.Write(p, []byte("x"))
	}
	for len(order) < 6 {
		r.Turn(0)
	}
	if want := []string{"Task", "flush", "Task", "flush", "Task", "flush"}; !slices.Equal(order, want) {
		t.Error(order)
	}
}

// One Event wakes a Task that receives and a Task that sends on the same descriptor. Both run
// before the Task of the next Event.
func TestBothTasksOfAnEventRunBeforeTheNextOne(t *testing.T) {
	r := manual(t)
	var order []string
	a, b := pair(t)
	defer unix.Close(b)
	full := 0
	for p := make([]byte, 4096); ; {
		n, err := unix.Write(a, p)
		if err != nil {
			break
		}
		full += n
	}
	d := desc.New(kernel.Host, a, (*taskWaiter)(r))
	defer d.Close()
	forever := func() *desc.Call { return &desc.Call{Limit: timeout.None} }
	r.Go(func(*Task) {
		d.SendAll(forever(), []byte("x"), 1)
		order = append(order, "sender")
	})
	r.Go(func(*Task) {
		d.Recv(forever(), make([]byte, 1), 0)
		order = append(order, "receiver")
		d.Recv(forever(), make([]byte, 1), 0)
	})
	_, peers := sleepers(t, r, 1, func(int) { order = append(order, "next") })
	unix.Write(b, []byte("x"))
	for p := make([]byte, 1<<20); full > 0; {
		n, err := unix.Read(b, p)
		must(t, err)
		full -= n
	}
	unix.Write(peers[0], []byte("x"))
	for len(order) < 3 {
		r.Turn(0)
	}
	if order[2] != "next" {
		t.Error(order)
	}
}
