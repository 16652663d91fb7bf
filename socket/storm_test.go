//go:build linux

package socket_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// A stream of signals has no effect: no call ends early or returns EINTR, and deadlines are exact.
func TestD40EINTRStorm(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			}
		}
	}()
	defer func() {
		close(quit)
		<-ended
	}()
	both(t, func(l *lab) {
		for range 20 {
			c, s := l.pair()
			join := l.beside(func(l *lab) {
				for left := len(big) / 8; left > 0; {
					p, err := s.Recv(min(left, 200000))
					l.must(err)
					left -= len(p)
				}
			})
			_, err := c.SendAll(big[:len(big)/8])
			l.must(err)
			join()
			const limit = 5 * time.Millisecond
			l.must(s.SetTimeout(timeout.Timeout(limit)))
			start := l.now()
			_, err = s.Recv(1)
			l.errno(err, syscall.ETIMEDOUT)
			if spent := l.now() - start; spent < limit {
				l.fatalf("gave up after %v", spent)
			}
			l.closeAll()
		}
	})
}
