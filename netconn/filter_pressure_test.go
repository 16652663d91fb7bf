//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// If a peer does not read, the Conn stops reading, and its buffered output stays below the limit.
// When the peer reads again, it receives everything.
func TestTLSBackPressure(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	r := start(t)
	var most atomic.Int64
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{data: func(c *reactor.Conn, p []byte) {
			echoBack(c, p)
			most.Store(max(most.Load(), int64(c.Buffered())))
		}}
	}, reactor.WithLimits(16<<10, 64<<10, 512<<10))
	c := dialTLS(t, at)
	sent := noise(16 << 20)
	wrote := make(chan int, 1)
	go func() {
		n, _ := c.Write(sent)
		c.CloseWrite()
		wrote <- n
	}()
	for until := time.Now().Add(long); most.Load() <= 64<<10; time.Sleep(time.Millisecond) {
		if len(wrote) > 0 || time.Now().After(until) {
			t.Fatal("nothing waits for a peer that does not read")
		}
	}
	back, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(back, sent) {
		t.Errorf("%d bytes back, %v", len(back), err)
	}
	if n := most.Load(); n > 192<<10 {
		t.Errorf("%d bytes were buffered at most; above 64 KiB nothing more is to be read", n)
	}
}

// Data calls Pause while more decrypted data waits. Data is not called again before Resume, and
// then no byte is missing.
func TestTLSPause(t *testing.T) {
	r := start(t)
	var got []byte
	var paused bool
	done := make(chan struct{})
	want := noise(300 << 10)
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{data: func(c *reactor.Conn, p []byte) {
			if paused {
				t.Error("Data while paused")
			}
			got = append(got, p...)
			paused = true
			c.Pause()
			r.After(100*time.Microsecond, func() { paused = false; c.Resume() })
		}, eof: func(c *reactor.Conn) {
			if paused {
				t.Error("EOF while paused")
			}
			c.Close()
			close(done)
		}}
	})
	c := dialTLS(t, at)
	c.Write(want)
	c.CloseWrite()
	<-done
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d", len(got), len(want))
	}
}

// A producer stops at the high-water mark and gets Drained, even if it has begun to send before the
// handshake.
func TestTLSDrained(t *testing.T) {
	r := start(t)
	const total = 4 << 20
	piece := noise(32 << 10)
	more := func(c *reactor.Conn) {
		for c.Buffered() <= 256<<10 {
			sent, _ := c.Value().(int)
			if sent == total {
				c.Close()
				return
			}
			if err := c.Send(piece); err != nil {
				t.Error(err)
				return
			}
			c.SetValue(sent + len(piece))
		}
	}
	at := make(chan net.Addr, 1)
	r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(c *reactor.Conn) reactor.Handler {
			more(c)
			return &events{drain: more}
		}, patient(serverConfig()))
		if err != nil {
			t.Error(err)
		}
		at <- l.Addr()
	})
	if n, err := io.Copy(io.Discard, dialTLS(t, <-at)); n != total || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
