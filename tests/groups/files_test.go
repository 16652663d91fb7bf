//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package groups

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// A server restarts twice, and all three processes continue, so they share their Unix sockets. They
// end in every order; the first one ends by SIGTERM or by SIGKILL. While at least one process
// lives, both socket files lead to a server. The last process that ends in order removes the files.
func TestSocketFileBelongsToAllWhoShareIt(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	t.Parallel()
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for _, first := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			t.Run(fmt.Sprint(order, first), func(t *testing.T) { sharedFiles(t, order, first) })
		}
	}
}

func sharedFiles(t *testing.T, order []int, first syscall.Signal) {
	path, packets := socketPath(t), socketPath(t)
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Listen("unix", path, echo{}.accept); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ListenPacket("unixgram", packets, packetEcho{}); err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	end := []func(syscall.Signal){func(syscall.Signal) {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}}
	defer end[0](0)
	for range 2 {
		cmd := self()
		cmd.Env = append(os.Environ(), envAddrs+"=unix://"+path+",unixgram://"+packets, envLoops+"=1")
		end = append(end, ender(t, cmd))
		ctx, cancel := context.WithTimeout(context.Background(), longtest.Guard)
		defer cancel()
		if err := r.Restart(ctx, cmd); err != nil {
			t.Fatal(err)
		}
	}
	for i, who := range order {
		for _, at := range []net.UnixAddr{{Name: path, Net: "unix"}, {Name: packets, Net: "unixgram"}} {
			c, err := net.DialUnix(at.Net, nil, &at)
			if err != nil {
				t.Fatalf("%d of the processes have ended, %s: %v", i, at.Net, err)
			}
			c.Close()
		}
		if i == len(order)-1 {
			first = syscall.SIGTERM
		}
		end[who](first)
	}
	for _, file := range []string{path, packets} {
		if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("all have ended, and the file is there: %v", err)
		}
	}
}

// ender returns a function that sends a signal to the command and waits until the command ends.
func ender(t *testing.T, cmd *exec.Cmd) func(syscall.Signal) {
	ended := false
	end := func(s syscall.Signal) {
		if cmd.Process == nil || ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(s)
		if err := cmd.Wait(); err != nil && s != syscall.SIGKILL {
			t.Error(err)
		}
	}
	t.Cleanup(func() { end(syscall.SIGKILL) })
	return end
}
