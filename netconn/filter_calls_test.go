//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// told is events that is told of deadlines as well.
type told struct {
	events
	timeout func(c *reactor.Conn, kind reactor.TimeoutKind)
}

func (h *told) Timeout(c *reactor.Conn, kind reactor.TimeoutKind) { h.timeout(c, kind) }

// What is sent before the handshake is over is output that waits: the write deadline is told.
func TestTLSWriteDeadlineInTheHandshake(t *testing.T) {
	r := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, by its backlog, and says nothing
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
			err = errors.Join(c.Send([]byte("x")), c.SetWriteDeadline(20*time.Millisecond))
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := <-ended; err != reactor.ErrAborted {
		t.Errorf("ended by %v", err)
	}
}
