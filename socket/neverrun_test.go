//go:build unix

package socket_test

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// An abandoned Socket is closed even if its reactor never runs. Then its port is free.
func TestD21NeverRun(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	parked(t, func(l *lab) {
		var port socket.Addr
		func() {
			s, err := socket.NewOn(r, inet, dgram, 0)
			l.must(err)
			l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
			port = l.addr(s)
			l.must(s.SetBlocking(false))
			_, _, err = s.RecvFrom(1)
			l.errno(err, syscall.EAGAIN)
		}()
		l.until("collection", func() bool {
			runtime.GC()
			return l.socket(inet, dgram).Bind(port) == nil
		})
	})
	if err := r.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A Socket was registered with the Poller of a loop that has ended. The garbage collector closes
// that Socket too.
func TestD21OfAnEndedLoop(t *testing.T) {
	parked(t, func(l *lab) {
		r, err := reactor.New()
		l.must(err)
		var port socket.Addr
		r.Go(func(*reactor.Task) {
			defer r.Close()
			s, err := socket.NewOn(r, inet, dgram, 0)
			if err == nil {
				err = s.Bind(socket.Tuple("127.0.0.1", 0))
			}
			if err != nil {
				t.Error(err)
				return
			}
			port = l.addr(s)
			_ = s.SetTimeout(1)
			if _, _, err := s.RecvFrom(1); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Error(err)
			}
		})
		l.must(r.Run(t.Context()))
		l.until("collection", func() bool {
			runtime.GC()
			return l.socket(inet, dgram).Bind(port) == nil
		})
	})
}
