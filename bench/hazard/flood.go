package hazard

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/bench/server"
)

// flooded returns the row of a loop that has other work of this kind, without limit.
func flooded(kind string) Row {
	return Row{Name: "echo beside " + kind, Args: []string{"-flood", kind}, Needs: floods, Tries: 3,
		Run:  func(t *Target) (string, error) { return t.beside(nil, 0) },
		Pass: fmt.Sprintf("a byte there and back while the loop has %s without end: 99 of 100 within %v; the best of 3", kind, floodBound)}
}

func floods(s server.Style) string {
	if s.Name != "callback" {
		return "ours in callbacks only"
	}
	return ""
}

// In the row besideAccepts, clients connect and reset their connections.
func besideAccepts(t *Target) (string, error) {
	return t.beside(func(over *atomic.Bool) {
		for !over.Load() {
			if c, err := t.raw(); err == nil {
				_ = c.SetLinger(0)
				c.Close()
			}
		}
	}, 4)
}

// In the row besideBytes, clients send as fast as the server reads, and read the echo.
func besideBytes(t *Target) (string, error) {
	return t.beside(func(over *atomic.Bool) {
		c, err := t.dial()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(t.span() + 2*time.Second))
		go func() {
			p := make([]byte, 64<<10)
			for {
				if _, err := c.Read(p); err != nil {
					return
				}
			}
		}()
		for p := noise(t.Seed, 64<<10); !over.Load(); {
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}, 4)
}

// beside measures round trips while n clients run the flood.
func (t *Target) beside(flood func(over *atomic.Bool), clients int) (string, error) {
	var c net.Conn
	c, err := t.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	var all sync.WaitGroup
	var over atomic.Bool
	for range clients {
		all.Go(func() { flood(&over) })
	}
	time.Sleep(500 * time.Millisecond)
	p99, n, err := roundTrips(c, time.Millisecond, t.span())
	over.Store(true)
	all.Wait()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("p99 %.1f ms of %d", 1e3*p99.Seconds(), n), within("p99", 1e3*p99.Seconds(), 1e3*floodBound.Seconds(), "ms")
}
