//go:build unix

package reactor

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// slowExec is a host on which a child that is being started has a copy of a socket until `exec` has
// run. AwaitExec of this host waits until `goOn` is closed, and then calls exec.
type slowExec struct {
	Kernel
	waits, goOn chan struct{}
	exec        func()
}

func (k *slowExec) PollFD(int, poller.Interest, time.Duration) kernel.Errno {
	k.waits <- struct{}{}
	<-k.goOn
	k.exec()
	return 0
}

// A child that is being started has a copy of a shared Unix socket. A Close on the loop returns
// while the child still has the copy: here a wait on the loop would never end. When the child's
// exec has closed the copy, the file is removed. Shutdown returns only after that.
func TestCloseOfASharedSocketDoesNotWaitForAChild(t *testing.T) {
	for _, network := range []string{"unix", "unixgram"} {
		k := &slowExec{Kernel: kernel.Host, waits: make(chan struct{}, 1), goOn: make(chan struct{})}
		r, err := New(WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		path := longtest.SocketPath(t)
		var owner interface {
			fileOwner
			Close() error
		}
		if network == "unix" {
			owner, err = r.Listen(network, path, func(*Conn) Handler { return nil })
		} else {
			owner, err = r.ListenPacket(network, path, noPackets{})
		}
		if err != nil {
			t.Fatal(err)
		}
		owner.socketFile().Share()
		r.table.All(func(fd int, _ *Watch) {
			d, e := kernel.Duplicate(fd)
			if e != 0 {
				t.Fatal(e)
			}
			k.exec = func() { kernel.Host.Close(d) }
		})
		if err := owner.Close(); err != nil {
			t.Fatal(err)
		}
		r.Close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for r.Turn(timeout.Never) == nil {
			}
		}()
		<-k.waits
		select {
		case <-ended:
			t.Error("the loop has ended before the file is removed")
		case <-time.After(10 * time.Millisecond): // long enough for a loop that does not wait
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("the file of a socket that is in use: %v", err)
		}
		close(k.goOn)
		<-ended
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the file is left after the end: %v", network, err)
		}
	}
}
