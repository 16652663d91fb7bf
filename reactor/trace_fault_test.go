//go:build unix

package reactor

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Enter or Leave panics, or calls runtime.Goexit, at its n-th call, for each n. The loop reports
// that once, and calls neither again. A panic ends no callback. After a Goexit the loop ends. In
// both cases the Task ends.
func TestFaultsOfEnterAndLeave(t *testing.T) {
	for _, where := range []string{"Enter", "Leave"} {
		for how, f := range map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit} {
			n := 1
			for ; testFaultOfTrace(t, n, where, how, f); n++ {
			}
			if n < 6 {
				t.Errorf("only %d calls of %s", n-1, where)
			}
		}
	}
}

// testFaultOfTrace returns whether there was an n-th call.
func testFaultOfTrace(t *testing.T, n int, where, how string, f func()) bool {
	told, calls, late := 0, 0, 0
	at := func(name string) {
		if calls >= n {
			late++
		}
		if name == where {
			if calls++; calls == n {
				f()
			}
		}
	}
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) { told++ }), WithTrace(Trace{
		Enter: func(string) { at("Enter") },
		Leave: func() { at("Leave") },
	}))
	a, b := pair(t)
	defer unix.Close(b)
	c := adoptFD(t, r, a, echo{})
	fill(b, []byte("x"))
	ran := 0
	r.After(0, func() { ran++ })
	r.Post(func() { ran++ })
	task := r.Go(func(k *Task) {
		k.Sleep(0)
		k.Sleep(time.Microsecond)
		k.Sleep(0)
	})
	var err error
	ends := func() bool { return how == "Goexit" && calls >= n }
	for turns := 0; err == nil && (ends() || !task.Done() || r.timers.Len() > 0); turns++ {
		if turns == 1000 {
			t.Fatalf("%s, %s %d: no end, the Task is done: %v", how, where, n, task.Done())
		}
		apart(func() { err = r.Turn(r.Now() + 1) })
	}
	got := make([]byte, 2)
	if k, _ := kernel.Host.Recv(b, got, 0); k == 1 {
		ran++
	}
	happened := calls >= n
	if !task.Done() || ends() != c.is(released) || ends() && err == nil || !ends() && ran != 3 {
		t.Errorf("%s, %s %d: %d callbacks have run, the Task is done: %v; the loop has ended: %v", how, where, n, ran, task.Done(), err)
	}
	if late != 0 || happened && told != 1 || !happened && told != 0 {
		t.Errorf("%s, %s %d: %d late calls, %d reports", how, where, n, late, told)
	}
	return calls >= n
}
