//go:build linux

package desc_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// A test that runs this long has failed already.
const guard = time.Minute

// counting is the host, and counts what is closed.
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

// A panic leaves a call: in a task that is unwound, whether it waits for the descriptor or for its
// turn, or in a try. The call is then finished: the next in the queue gets the turn, and Close
// closes the number.
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
		for range 3 { // ECANCELED once, then unwound
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
