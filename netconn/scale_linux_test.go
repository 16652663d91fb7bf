package netconn_test

import (
	"crypto/tls"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// One loop has hundreds of busy TLS connections and twice as many idle ones. No connection has a
// goroutine or a coroutine. With -long there are ten times as many connections.
func TestTLSThousands(t *testing.T) {
	if !longtest.Default(t, "many handshakes") {
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 6500 {
		t.Skipf("%d descriptors are too few", limit.Cur)
	}
	idle, busy := longtest.Count(60, 200, 2000), longtest.Count(30, 100, 1000)
	r := start(t)
	var open atomic.Int64
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{data: echoBack,
			opened: func(*reactor.Conn) { open.Add(1) },
			closed: func(*reactor.Conn, error) { open.Add(-1) }}
	})
	goroutines := runtime.NumGoroutine()
	conns := make([]*tls.Conn, idle+busy)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
		for open.Load() > 0 { // until the server has noticed that they have closed
			time.Sleep(time.Millisecond)
		}
	}()
	cfg := clientConfig()
	dial := func(from, to int) {
		var all sync.WaitGroup
		next := atomic.Int64{}
		next.Store(int64(from))
		for range 20 {
			all.Go(func() {
				for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
					raw, err := net.Dial("tcp", at.String())
					if err != nil {
						t.Error(err)
						return
					}
					c := tls.Client(raw, cfg)
					if err := c.Handshake(); err != nil {
						t.Error(err)
						return
					}
					conns[i] = c
				}
			})
		}
		all.Wait()
	}
	dial(0, idle)
	if t.Failed() {
		return
	}
	for open.Load() < int64(idle) {
		time.Sleep(time.Millisecond)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 10 {
		t.Errorf("%d goroutines more for %d idle connections", n, idle)
	}
	dial(idle, idle+busy)
	if t.Failed() {
		return
	}
	var all sync.WaitGroup
	for _, c := range conns[idle:] {
		all.Go(func() {
			c.SetDeadline(time.Now().Add(3 * long))
			for range 10 {
				p := noise(5000)
				if _, err := c.Write(p); err != nil {
					t.Error(err)
					return
				}
				for n := 0; n < len(p); {
					k, err := c.Read(p[n:])
					if err != nil {
						t.Error(err)
						return
					}
					n += k
				}
			}
		})
	}
	all.Wait()
}
