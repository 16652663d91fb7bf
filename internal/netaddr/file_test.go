//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netaddr

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// While the program starts processes all the time, many shared sockets are closed. RemoveUnused
// removes each socket's file: a child between its fork and its exec does not count as an owner. On
// a loaded machine, a child may stop in the middle of its exec, so one file in a hundred may
// remain. After one look of Remove, two to five remain.
func TestStartingChildIsNoOwnerOfASocket(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	if runtime.GOOS != "linux" {
		return // there, package syscall releases its lock before the exec
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := exec.Command(os.Args[0], "-test.list=^$").Run(); err != nil {
				stopped <- err
				return
			}
		}
	}()
	path, left := longtest.SocketPath(t), 0
	sockets := longtest.Count(0, 1000, 20000)
	for range sockets {
		fd, e := kernel.Host.Socket(kernel.AF_UNIX, kernel.SOCK_STREAM, 0)
		if e == 0 {
			e = kernel.Host.Bind(fd, kernel.Unix(path))
		}
		if e != 0 {
			t.Fatal(e)
		}
		f := FileOf(kernel.Host, kernel.Unix(path))
		f.Share()
		closed, removed, used := f.CloseSocket(kernel.Host, fd)
		if used {
			removed = f.RemoveUnused(kernel.Host)
		}
		if closed != 0 || removed != 0 {
			t.Fatal(closed, removed)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			left++
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if left*100 > sockets {
		t.Errorf("%d of %d files exist after the close of their sockets", left, sockets)
	}
}
