//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// `told` is events with a method Timeout.
type told struct {
	events
	timeout func(c *reactor.Conn, kind reactor.TimeoutKind)
}

func (h *told) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) { h.timeout(c, kind) }

// Output that was sent before the end of the handshake counts as buffered. So the write deadline
// also holds during the handshake.
func TestTLSWriteDeadlineInTheHandshake(t *testing.T) {
	r := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel completes the connect, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	r.Post(func() {
		kinds := []reactor.TimeoutKind{}
		h := &told{timeout: func(c *reactor.Conn, kind reactor.TimeoutKind) {
			kinds = append(kinds, kind)
			c.Abort()
		}}
		h.closed = func(_ *reactor.Conn, err error) {
			if len(kinds) != 1 || kinds[0] != reactor.TimeoutWrite {
				t.Errorf("told %v", kinds)
			}
			ended <- err
		}
		c, err := r.Dial("tcp", l.Addr().String(), h, netconn.WithHandshakeTimeout(clientConfig(), time.Second))
		if err == nil {
			err = errors.Join(c.Send([]byte("x")), c.SetWriteTimeout(20*time.Millisecond))
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := <-ended; err != reactor.ErrAborted {
		t.Errorf("ended by %v", err)
	}
}

// An accepted connection has no coroutine before its first byte arrives.
func TestTLSSilentConnsHaveNoCoroutine(t *testing.T) {
	r := start(t)
	const n = 100
	accepted := make(chan struct{}, n)
	at := serveTLS(t, r, func() reactor.Handler { accepted <- struct{}{}; return &events{} })
	before := runtime.NumGoroutine()
	for range n {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		<-accepted
	}
	inTask(r, func(*reactor.Task) {}) // after this, the last connection is open too
	if more := runtime.NumGoroutine() - before; more > n/2 {
		t.Errorf("%d goroutines more for %d connections", more, n)
	}
}
