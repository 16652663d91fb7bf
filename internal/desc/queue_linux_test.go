package desc_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// Many callers wait for their turn on one Desc. First all of them get it. Then as many wait again
// and are cancelled, the latest first. Both need about as much processor time as with callers on
// many Descs, because no call searches the queue. With a search, the single Desc would need twenty
// times as much time.
func TestLongQueue(t *testing.T) {
	if !longtest.Only(t, "64,000 callers") {
		return
	}
	const callers, spread = 64_000, 640
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	r.Go(func(task *reactor.Task) {
		defer r.Close()
		one, many := time.Hour, time.Hour
		for range 2 {
			one = min(one, inLine(t, task, 1, callers))
			many = min(many, inLine(t, task, spread, callers/spread))
		}
		if one > 6*many {
			t.Errorf("%d callers: %v on one Desc, %v on %d", callers, one, many, spread)
		}
	})
	if err := r.Run(context.Background()); err != nil {
		t.Error(err)
	}
}

// inLine makes callers wait for their turn on each of several Descs. It returns the processor time
// that this has used.
func inLine(t *testing.T, task *reactor.Task, descs, callers int) time.Duration {
	var ds []*desc.Desc
	var peers []int
	for range descs {
		fd, peer := pair(t)
		defer unix.Close(peer)
		d := desc.New(kernel.Host, fd, inside.Waiter(task.Reactor()))
		defer d.Close()
		ds, peers = append(ds, d), append(peers, peer)
	}
	got, cancelled := 0, 0
	wait := func() (tasks []*reactor.Task) {
		for range callers {
			for _, d := range ds {
				tasks = append(tasks, task.Go(func(*reactor.Task) {
					var p [1]byte
					_, e := d.Do(desc.In, &desc.Call{Limit: timeout.None}, func() (int, kernel.Errno) {
						return kernel.Host.Recv(d.FD, p[:], 0)
					})
					switch e {
					case 0:
						got++
					case kernel.ECANCELED:
						cancelled++
					}
				}))
			}
		}
		task.Join(task.Go(func(last *reactor.Task) { last.Sleep(0) })) // it runs after them
		return tasks
	}
	join := func(tasks []*reactor.Task) {
		for _, u := range tasks {
			task.Join(u)
		}
	}
	began := processorTime(t)
	tasks := wait()
	for _, peer := range peers {
		unix.Write(peer, make([]byte, callers))
	}
	join(tasks)
	tasks = wait()
	for i := range tasks {
		tasks[len(tasks)-1-i].Cancel()
	}
	join(tasks)
	took := processorTime(t) - began
	if n := descs * callers; got != n || cancelled != n {
		t.Errorf("%d callers had their turn and %d were cancelled, want %d of each", got, cancelled, n)
	}
	return took
}

// processorTime returns the processor time that this process has used. Other processes do not
// change it.
func processorTime(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
