//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// In a Group with WithTLS every loop serves connections. Shutdown begins while each client waits
// for megabytes. All bytes arrive, every connection ends in order, and no descriptor is left.
// (TestMain counts the goroutines.)
func TestTLSGroup(t *testing.T) {
	if !longtest.Default(t, "many handshakes") {
		return
	}
	const loops, clients, size = 3, 12, 1 << 20
	// Package net opens its own poller at its first use.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	collectNothing(t)
	before := descriptors()
	g, err := reactor.NewGroup(loops)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(context.Background()) }()
	var mu sync.Mutex // guards the variables below, which all loops use
	served := map[*reactor.Reactor]int{}
	open := 0
	var ends []error
	sent := noise(size)
	accept := func(*reactor.Conn) reactor.Handler {
		return &events{
			opened: func(c *reactor.Conn) {
				mu.Lock()
				served[c.Reactor()]++
				open++
				mu.Unlock()
			},
			data: func(c *reactor.Conn, p []byte) { // the input is "go"
				if err := c.Send(sent); err != nil {
					t.Error(err)
				}
			},
			closed: func(_ *reactor.Conn, err error) {
				mu.Lock()
				ends = append(ends, err)
				mu.Unlock()
			},
		}
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", accept, patient(serverConfig()), reactor.WithBalance(reactor.RoundRobin))
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]*tls.Conn, clients)
	for i := range conns {
		conns[i] = dialTLS(t, l.Addr())
		if _, err := io.WriteString(conns[i], "go"); err != nil {
			t.Fatal(err)
		}
		var first [1]byte // this byte shows that the handler has answered
		if _, err := io.ReadFull(conns[i], first[:]); err != nil || first[0] != sent[0] {
			t.Fatal(first, err)
		}
	}
	down := make(chan error, 1)
	go func() { down <- g.Shutdown(context.Background()) }()
	var readers sync.WaitGroup
	for _, c := range conns {
		readers.Go(func() {
			rest, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(rest, sent[1:]) {
				t.Errorf("%d of %d bytes, %v", len(rest), size-1, err)
			}
			c.Close()
		})
	}
	readers.Wait()
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, err := range ends {
		if err != nil {
			t.Errorf("Closed: %v", err)
		}
	}
	if len(ends) != clients || open != clients || len(served) != loops {
		t.Errorf("%d have opened, %d ended, on %d loops", open, len(ends), len(served))
	}
	for _, n := range served {
		if n != clients/loops {
			t.Errorf("a loop has served %d of %d", n, clients)
		}
	}
	if after := descriptors(); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

// descriptors counts the open descriptors, if the system has a list of them.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// collectNothing stops the garbage collector until the test ends, because the collector closes
// unreachable files.
func collectNothing(t *testing.T) {
	runtime.GC()
	old := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(old) })
}
