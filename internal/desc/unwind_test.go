//go:build linux

package desc_test

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// After this time a test has failed.
const guard = longtest.Guard

// counting is the host's kernel, and counts how often each descriptor is closed.
type counting struct {
	kernel.Kernel
	closed map[int]int
}

func (k *counting) Close(fd int) kernel.Errno {
	k.closed[fd]++
	return k.Kernel.Close(fd)
}

func pair(t *testing.T) (a, b int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ends[0], ends[1]
}

// A panic ends a call in three cases: a task is unwound while it waits for the descriptor, while it
// waits for its turn, or a try panics. Then the next call in the queue must get the turn, and Close
// must close the number.
func TestPanicLeavesTheCall(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	k := &counting{kernel.Host, map[int]int{}}
	fd, peer := pair(t)
	defer unix.Close(peer)
	d := desc.New(k, fd, inside.Waiter(r))
	recv := func() (int, kernel.Errno) {
		var p [1]byte
		return k.Recv(fd, p[:], 0)
	}
	wait := func() (int, kernel.Errno) { return d.Do(desc.In, &desc.Call{Limit: timeout.None}, recv) }
	again := func(*reactor.Task) {
		for range 3 { // the first wait returns ECANCELED, and a later one unwinds the task
			wait()
		}
		t.Error("a cancelled task waited on and on")
	}
	holder, queued := r.Go(again), r.Go(again)
	got := 0
	r.Go(func(task *reactor.Task) {
		task.Sleep(0)
		queued.Cancel()
		task.Join(queued)
		last := task.Go(func(*reactor.Task) { got, _ = wait() })
		task.Sleep(0)
		holder.Cancel()
		task.Join(holder)
		unix.Write(peer, []byte("x"))
		task.Join(last)
		func() {
			defer func() { recover() }()
			d.Do(desc.In, &desc.Call{}, func() (int, kernel.Errno) { panic("the user's") })
		}()
		d.Close()
		r.Close()
	})
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	if got != 1 {
		t.Errorf("the last in the queue received %d bytes, want 1", got)
	}
	if k.closed[fd] != 1 {
		t.Errorf("the number was closed %d times, want once", k.closed[fd])
	}
}
