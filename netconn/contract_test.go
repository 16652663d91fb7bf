//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// long is how long a test waits for an event that must come.
const long = longtest.Guard

// The test checks deadlines of a listener, in the past, in the future, and moved while Accept
// waits. It also checks concurrent Accepts, a Close during them, and that Close removes the
// socket's file.
func TestListener(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	for _, network := range families() {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			l := listen(t, network).(interface {
				net.Listener
				SetDeadline(time.Time) error
			})
			deadlines(t, l.SetDeadline, func() error { return second(l.Accept()) })

			const n = 10
			accepted := make(chan error, n)
			for range n {
				go func() { accepted <- second(l.Accept()) }()
			}
			for range n {
				c, err := netconn.Dial(network, l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			for range n {
				if err := <-accepted; err != nil {
					t.Error(err)
				}
			}
			for range n {
				go func() { accepted <- second(l.Accept()) }()
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			for range n {
				if err := <-accepted; !errors.Is(err, net.ErrClosed) {
					t.Errorf("Accept under Close: %v", err)
				}
			}
			if network == "unix" {
				if _, err := os.Lstat(l.Addr().String()); !os.IsNotExist(err) {
					t.Errorf("its file is still there: %v", err)
				}
			}
		})
	}
}

// deadlines checks a call that only a deadline can end. A deadline in the past ends the call at
// once, and a deadline in the future does not end it early. A deadline that is replaced has no
// effect. A deadline that is set while the call waits has an effect.
func deadlines(t *testing.T, set func(time.Time) error, call func() error) {
	t.Helper()
	expires := func(what string) {
		t.Helper()
		if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(set(time.Unix(1, 0)))
	expires("past")
	at := time.Now().Add(30 * time.Millisecond)
	must(set(at))
	expires("future")
	if early := time.Until(at); early > 0 {
		t.Errorf("%v early", early)
	}
	last := time.Now().Add(20 * time.Millisecond)
	must(set(last))
	var moving sync.WaitGroup
	late := false      // a busy machine has let the deadline pass, so the call may end
	moving.Go(func() { // moves the deadline repeatedly, as a program does for each message
		for range 10 {
			time.Sleep(4 * time.Millisecond)
			old := last
			last = time.Now().Add(20 * time.Millisecond)
			must(set(last))
			if late = time.Now().After(old); late {
				return
			}
		}
	})
	expires("moved")
	ended := time.Now()
	moving.Wait()
	if early := last.Sub(ended); early > 0 && !late {
		t.Errorf("%v before the last deadline", early)
	}
	must(set(time.Time{}))
	time.AfterFunc(20*time.Millisecond, func() { set(time.Unix(1, 0)) })
	expires("set while it waits")
	must(set(time.Time{}))
}

// A halfCloser is a stream of this package.
type halfCloser interface{ CloseWrite() error }

// A client that half-closes after its last byte still receives the echo of all it has sent: 8 MiB,
// or 2 MiB with -short.
func TestHalfClose(t *testing.T) {
	for _, network := range families() {
		t.Run(network, func(t *testing.T) {
			c, d, stop, err := pipe(t, network)()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			sent := noise(longtest.Count(2, 8, 8) << 20)
			go func() {
				io.Copy(d, d)
				d.(halfCloser).CloseWrite()
			}()
			go func() {
				c.Write(sent)
				c.(halfCloser).CloseWrite()
			}()
			if back, err := io.ReadAll(c); err != nil || !bytes.Equal(back, sent) {
				t.Errorf("%d bytes back, %v", len(back), err)
			}
		})
	}
}

// A read and a write allocate nothing, with a deadline or without.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !longtest.Measures(t) {
		return
	}
	c, d, stop, err := pipe(t, "tcp4")()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	go io.Copy(writerOnly{d}, d)
	p := make([]byte, 64)
	if n := testing.AllocsPerRun(200, func() {
		c.SetReadDeadline(time.Now().Add(long))
		c.Write(p)
		c.Read(p)
	}); n >= 1 {
		t.Errorf("%v allocations per round trip", n)
	}
}

// unlinks records in which order the Close of a Listener calls the kernel.
type unlinks struct {
	kernel.Kernel
	calls []string
}

func (k *unlinks) Unlink(path string) kernel.Errno {
	k.calls = append(k.calls, "unlink")
	return k.Kernel.Unlink(path)
}

func (k *unlinks) Close(fd int) kernel.Errno {
	k.calls = append(k.calls, "close")
	return k.Kernel.Close(fd)
}

// A Unix listener removes its file exactly once, and before it stops listening. Later the path may
// belong to another program.
func TestListenerUnlinksFirst(t *testing.T) {
	k := &unlinks{Kernel: kernel.Host}
	r, err := reactor.New(reactor.WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	l, err := netconn.On(r).Listen("unix", free(t, "unix"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Close()
	if !slices.Equal(k.calls, []string{"unlink", "close"}) {
		t.Error(k.calls)
	}
	r.Close()
	if err := r.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
