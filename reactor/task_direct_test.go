//go:build unix

package reactor

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/stacks"
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
		r.Turn(0)
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Error("order of the Tasks: ", order)
		}
		wantSeats(t, tasks, homes, shift)
	}
}

// Four Tasks begin in one turn, in coroutines of earlier Tasks, and sleep. Each switches to the
// next one: it is in the seat in which the coroutine of the next one was suspended. While the loop
// times callbacks, it begins each of them itself.
func TestATaskBeginsTheNextOne(t *testing.T) {
	for shift, timed := range map[int]int{1: 0, 0: 100} {
		r := manual(t)
		r.Go(func(t *Task) { t.Sleep(time.Hour) }) // while there is a Task, coroutines stay idle
		for range 4 {
			r.Go(func(t *Task) { t.Sleep(0) })
		}
		for r.runnable.len() > 0 {
			r.Turn(0)
		}
		var seats []*coroutine
		for _, c := range slices.Backward(r.idle) { // the last one is used first
			seats = append(seats, c.seat)
		}
		var order []int
		var tasks []*Task
		for i := range 4 {
			tasks = append(tasks, r.Go(func(t *Task) {
				order = append(order, i)
				t.Sleep(time.Hour)
			}))
		}
		r.slow.timed = timed
		r.Turn(0)
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Error("order of the Tasks: ", order)
		}
		wantSeats(t, tasks, seats, shift)
	}
}

// wantSeats checks that each Task is in the seat which is that many places after its own.
func wantSeats(t *testing.T, tasks []*Task, seats []*coroutine, shift int) {
	t.Helper()
	for i, task := range tasks {
		if seat := slices.Index(seats, task.seat); seat != (i+shift)%len(tasks) {
			t.Errorf("Task %d is in seat %d, want a shift of %d", i, seat, shift)
		}
	}
}

type flushed func()

func (f flushed) flushStep() { f() }

// Each Task leaves a flush for the end of its step. The flush comes before the next Task, if an
// Event wakes the Task, and also if the Task begins and ends, or yields.
func TestAStepEndsBeforeTheNextTask(t *testing.T) {
	r := manual(t)
	var order []string
	flushLater := func() {
		order = append(order, "Task")
		r.flushPending.add(flushed(func() { order = append(order, "flush") }))
	}
	_, peers := sleepers(t, r, 3, func(int) { flushLater() })
	for _, p := range peers {
		unix.Write(p, []byte("x"))
	}
	r.Go(func(*Task) { flushLater() })
	r.Go(func(t *Task) {
		flushLater()
		t.Sleep(0)
	})
	r.Go(func(*Task) { flushLater() })
	r.Turn(0)
	want := slices.Repeat([]string{"Task", "flush"}, 6)
	if !slices.Equal(order, want) {
		t.Error(order)
	}
}

// The first of three Tasks of a turn makes the loop panic. Then no list of Tasks is in progress.
func TestAPanicOfTheLoopEndsTheListOfTasks(t *testing.T) {
	r := manual(t)
	r.Go(func(*Task) { r.flushPending.add(flushed(func() { panic("on purpose") })) })
	r.Go(func(*Task) {})
	r.Go(func(*Task) {})
	defer func() {
		if v := recover(); v != "on purpose" || r.toRun != 0 || r.direct {
			t.Errorf("%v; %d Tasks in progress", v, r.toRun)
		}
	}()
	r.Run(t.Context())
}

// The loop fails while it has Events of three Tasks to deliver. A Task that begins in the abort
// switches to none of these Tasks: a loop that has failed delivers no Events.
func TestALoopThatHasFailedDeliversNoEvents(t *testing.T) {
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) {}))
	var order []int
	_, peers := sleepers(t, r, 3, func(i int) {
		order = append(order, i)
		if i == 0 {
			r.Go(func(*Task) { order = append(order, 10) })
			r.flushPending.add(flushed(func() { panic("on purpose") }))
		}
	})
	for _, p := range peers {
		unix.Write(p, []byte("x"))
	}
	if err := r.run(); err == nil || !slices.Equal(order, []int{0, 10}) {
		t.Error(err, order)
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
	r.Turn(0)
	if len(order) != 3 || order[2] != "next" {
		t.Error(order)
	}
}

// Each of three Tasks runs, most of them after a direct switch. Package stacks finds its stack.
func TestStackOfATaskIsFoundAfterADirectSwitch(t *testing.T) {
	r := manual(t)
	var found []string
	_, peers := sleepers(t, r, 3, func(i int) {
		looked(func() { found = append(found, stacks.Loop(stacks.All(), uintptr(unsafe.Pointer(r)))) })
	})
	for range 2 {
		for _, p := range peers {
			unix.Write(p, []byte("x"))
		}
		r.Turn(0)
	}
	for i, s := range found {
		if !strings.Contains(s, "reactor.looked(") {
			t.Errorf("step %d: the stack of the Task that runs is not found:\n%s", i, s)
		}
	}
	if len(found) != 6 {
		t.Errorf("%d steps", len(found))
	}
}

//go:noinline
func looked(f func()) { f() }

// Four Tasks run in one turn. While the loop times callbacks, it times each of them. Otherwise it
// only knows the Task that ran last.
func TestEachTaskOfATurnIsTimed(t *testing.T) {
	for _, timed := range []int{0, 100} {
		r := manual(t)
		r.Load()
		ran := 0
		descs, peers := sleepers(t, r, 4, func(int) { ran++ })
		var last *Task
		for i, d := range descs {
			last = (*Task)(d.Waiting().(*taskSleeper))
			unix.Write(peers[i], []byte("x"))
		}
		r.slow.timed = timed
		r.Turn(0)
		if ran != 4 || r.slow.last != any(last) {
			t.Errorf("%d Tasks ran, and the last one is not the last", ran)
		}
		if timed > 0 && r.slow.timed != timed-4 {
			t.Errorf("%d of 4 Tasks were timed", timed-r.slow.timed)
		}
	}
}

// With a watchdog, each step has its own descriptor and its own time.
func TestTheWatchdogSeesEachStep(t *testing.T) {
	r := manual(t, WithSlowCallback(time.Hour))
	var fds []int
	descs, peers := sleepers(t, r, 3, func(int) {
		r.watchdog.mu.Lock()
		defer r.watchdog.mu.Unlock()
		fds = append(fds, r.watchdog.fd)
	})
	for _, p := range peers {
		unix.Write(p, []byte("x"))
	}
	r.Turn(0)
	if want := []int{descs[0].FD, descs[1].FD, descs[2].FD}; !slices.Equal(fds, want) {
		t.Errorf("the watchdog has the descriptors %d, want %d", fds, want)
	}
}

// Two Tasks wait for input with a deadline, and get it in one turn. Their timers are not armed any
// more.
func TestADirectSwitchStopsTheTimer(t *testing.T) {
	r := manual(t)
	steps := 0
	var peers []int
	for range 2 {
		a, b := pair(t)
		defer unix.Close(b)
		d := desc.New(kernel.Host, a, (*taskWaiter)(r))
		defer d.Close()
		peers = append(peers, b)
		r.Go(func(task *Task) {
			for {
				c := desc.Call{Limit: timeout.Timeout(time.Hour)}
				if n, e := d.Recv(&c, make([]byte, 1), 0); n == 0 || e != 0 {
					return
				}
				if steps++; task.timer.Armed() {
					t.Error("the timer is armed")
				}
			}
		})
	}
	r.Turn(0)
	for _, p := range peers {
		unix.Write(p, []byte("x"))
	}
	r.Turn(0)
	if steps != 2 {
		t.Errorf("%d steps", steps)
	}
}
