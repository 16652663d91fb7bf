//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package locked

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// changes are what a program may do with the lock between its goroutine and a thread. Each has a
// function that undoes the change.
var changes = map[string]struct{ do, undo func() }{
	"lock":   {runtime.LockOSThread, runtime.UnlockOSThread},
	"unlock": {runtime.UnlockOSThread, runtime.LockOSThread},
}

// An inMiddle is a client's connection. It calls f before the client's second Write. At this time
// the server has answered and waits for the end of the handshake.
type inMiddle struct {
	net.Conn
	writes int
	f      func()
}

func (c *inMiddle) Write(p []byte) (int, error) {
	if c.writes++; c.writes == 2 {
		c.f()
	}
	return c.Conn.Write(p)
}

// on runs f in a callback on r's loop, and waits until f returns.
func on(r *reactor.Reactor, f func()) {
	done := make(chan struct{})
	r.Post(func() { defer close(done); f() })
	<-done
}

// A callback changes the thread locks of the loop's goroutine in the middle of a handshake. It
// undoes the change in the middle of another handshake.
func TestCallbackChangesLocks(t *testing.T) {
	for place, run := range places {
		for what, change := range changes {
			if what == "unlock" && place == "goroutine" {
				continue // it is not locked
			}
			t.Run(what+" in "+place, func(t *testing.T) {
				r, err := reactor.New()
				if err != nil {
					t.Fatal(err)
				}
				l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} },
					netconn.WithHandshakeTimeout(serverConfig(t), time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					defer r.Close()
					for _, f := range []func(){change.do, change.undo} {
						c, err := net.Dial("tcp", l.Addr().String())
						if err := talk(&inMiddle{Conn: c, f: func() { on(r, f) }}, err); err != nil {
							t.Error(err)
						}
					}
				}()
				run(func() {
					if err := r.Run(context.Background()); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// A goroutine changes its thread locks between calls of one handshake, none of which waits.
func TestCallerChangesLocks(t *testing.T) {
	for place, run := range places {
		t.Run(place, func(t *testing.T) {
			l, err := tls.Listen("tcp", "127.0.0.1:0", serverConfig(t))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			begun := make(chan struct{})
			go func() {
				<-begun // the client's first call finds no answer
				if c, err := l.Accept(); err == nil {
					_ = c.(*tls.Conn).Handshake()
					_, _ = c.Write([]byte("x"))
					c.Close()
				}
			}()
			run(func() {
				s := deferred(t, nil, l.Addr().(*net.TCPAddr).Port)
				defer s.Close()
				close(begun)
				got, err := 0, error(syscall.EAGAIN)
				for n := 0; errors.Is(err, syscall.EAGAIN); n++ {
					if n%2 == 0 {
						runtime.LockOSThread()
					} else {
						runtime.UnlockOSThread()
					}
					got, err = s.ReadInto(make([]byte, 1))
					runtime.Gosched()
				}
				if got != 1 || err != nil {
					t.Errorf("%d, %v", got, err)
				}
			})
		})
	}
}

// A callback of the config leaves its thread locked. The lock states of the loop, its tasks and
// other goroutines do not change.
func TestConfigLocksItsThread(t *testing.T) {
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		cfg := serverConfig(t)
		certs := cfg.Certificates
		cfg.Certificates = nil
		cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			runtime.LockOSThread()
			return &certs[0], nil
		}
		cfg.VerifyConnection = func(tls.ConnectionState) error { runtime.LockOSThread(); return nil }
		r, err := reactor.New()
		if err != nil {
			t.Error(err)
			return
		}
		handlers, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} }, netconn.WithHandshakeTimeout(cfg, time.Hour))
		if err != nil {
			t.Error(err)
			return
		}
		tasks, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		r.Go(func(*reactor.Task) {
			if c, err := tasks.Accept(); err == nil {
				echoes(netconn.Server(c, cfg))
			}
		})
		parked, err := netconn.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer parked.Close()
		go elsewhere(func() {
			if c, err := parked.Accept(); err == nil {
				echoes(netconn.Server(c, cfg))
			}
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer r.Close()
			for _, at := range []net.Addr{handlers.Addr(), tasks.Addr(), parked.Addr()} {
				if err := talk(net.Dial("tcp", at.String())); err != nil {
					t.Errorf("%v: %v", at, err)
				}
			}
		}()
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
		<-ended
	})
}

// echoes sends all data back until the connection ends.
func echoes(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 16)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}
